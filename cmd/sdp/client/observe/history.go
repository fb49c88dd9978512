// Package observe holds the verbs that show what happens and what has happened.
package observe

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// verbs are the verbs of this package.
type verbs struct{ *cli.App }

// Commands returns the verbs.
func Commands(app *cli.App) []*cobra.Command {
	a := verbs{app}
	return []*cobra.Command{a.history(), a.logs(), a.routes(), a.traffic(), a.trace(), a.audit(), a.events()}
}

func (a verbs) history() *cobra.Command {
	var f apiclient.DeploymentFilter
	var since, until *when
	cmd := &cobra.Command{
		Use:     "history [SANDBOX]",
		Short:   "List deployments, newest first",
		Example: "  sdp history\n  sdp history checkout --service account --limit 50",
		Args:    usage.Args(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLimit(f.Limit); err != nil {
				return err
			}
			if len(args) == 1 {
				f.Sandbox = args[0]
				if err := sdp.CheckSandboxName(f.Sandbox); err != nil {
					return usage.Wrap(err)
				}
			}
			f.State = strings.ToUpper(f.State)
			f.Since, f.Until = since.Time, until.Time
			get := func(c *apiclient.Client, ctx context.Context) ([]rest.Deployment, error) {
				return c.Deployments(ctx, f)
			}
			return cli.Ask(a.App, cmd, get, a.showHistory)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Service, "service", "", "only of this service")
	flags.StringVar(&f.Repository, "repository", "", "only of this repository")
	flags.StringVar(&f.Branch, "branch", "", "only of branches with this in their name")
	flags.StringVar(&f.User, "user", "", "only by this user")
	flags.StringVar(&f.State, "state", "", "only in this state, such as FAILED")
	flags.BoolVar(&f.Active, "active", false, "only what has not ended")
	since, until = between(flags)
	limitFlag(cmd, &f.Limit)
	return cli.Prints[[]rest.Deployment](a.App, cmd)
}

func limitFlag(cmd *cobra.Command, limit *int) {
	cmd.Flags().IntVarP(limit, "limit", "n", 20, "at most this many; 0 = all")
}

func checkLimit(limit int) error {
	if limit < 0 {
		return usage.Errorf("give 0 for all", "--limit must not be negative")
	}
	return nil
}

func (a verbs) showHistory(list []rest.Deployment) {
	t := a.Screen.Table("DEPLOYMENT", "SANDBOX", "SERVICE", "OF", "COMMIT", "STATE", "TOOK", "WHEN", "BY", "WHY")
	for _, d := range list {
		took, why := "", d.WaitingFor
		if !d.FinishedAt.IsZero() && !d.StartedAt.IsZero() {
			took = screen.Took(d.FinishedAt.Sub(d.StartedAt))
		}
		if d.Failure != nil {
			why = d.Failure.Detail
		}
		t.Row(d.ID, d.Sandbox, d.Service, view.Revision(d), sdp.ShortSHA(d.SHA), view.DeploymentState(d.State), took,
			a.Screen.Age(d.CreatedAt), d.RequestedBy, why)
	}
	t.Print("Nothing was deployed yet. Deploy something: sdp deploy SANDBOX SERVICE@BRANCH --wait")
}
