package client

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) history() *cobra.Command {
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
			get := func(c *apiclient.Client, ctx context.Context) ([]api.Deployment, error) { return c.Deployments(ctx, f) }
			return ask(a, cmd, get, a.showHistory)
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
	return cmd
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

func (a *App) showHistory(list []api.Deployment) {
	t := a.Screen.Table("DEPLOYMENT", "SANDBOX", "SERVICE", "OF", "COMMIT", "STATE", "TOOK", "WHEN", "BY", "WHY")
	for _, d := range list {
		took, why := "", d.WaitingFor
		if !d.FinishedAt.IsZero() && !d.StartedAt.IsZero() {
			took = screen.Took(d.FinishedAt.Sub(d.StartedAt))
		}
		if d.Failure != nil {
			why = d.Failure.Detail
		}
		t.Row(d.ID, d.Sandbox, d.Service, revision(d), sdp.ShortSHA(d.SHA), deploymentState(d.State), took,
			a.Screen.Age(d.CreatedAt), d.RequestedBy, why)
	}
	t.Print("Nothing was deployed yet. Deploy something: sdp deploy SANDBOX SERVICE@BRANCH --wait")
}

// csvFormat marks commands that can write CSV.
const csvFormat = "csv"

// WritesCSV reports whether -o csv is a format of the command.
func WritesCSV(cmd *cobra.Command) bool { return cmd.Annotations[csvFormat] != "" }

func (a *App) audit() *cobra.Command {
	var f apiclient.AuditFilter
	var since, until *when
	cmd := &cobra.Command{
		Use:   "audit [--sandbox NAME]",
		Short: "Show who did what, when, and how it ended, newest first",
		Long: `Show who did what, when, and how it ended, newest first.

-o csv writes all events that match, for a spreadsheet: cells that would be taken for a formula begin with an apostrophe.`,
		Example: "  sdp audit --sandbox checkout\n  sdp audit --user alice --outcome refused -o json\n" +
			"  sdp audit --since 2026-11-01 -o csv > november.csv",
		Args:        usage.Args(0),
		Annotations: map[string]string{csvFormat: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLimit(f.Limit); err != nil {
				return err
			}
			f.Since, f.Until = since.Time, until.Time
			if a.Screen.Format == screen.CSV {
				return a.auditCSV(cmd, f)
			}
			get := func(c *apiclient.Client, ctx context.Context) ([]api.AuditEvent, error) { return c.Audit(ctx, f) }
			return ask(a, cmd, get, a.showAudit)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Sandbox, "sandbox", "", "only of this sandbox")
	flags.StringVar(&f.Repository, "repository", "", "only of this repository")
	flags.StringVar(&f.Environment, "environment", "", "only of this environment")
	flags.StringVar(&f.User, "user", "", "only by this user")
	flags.StringVar(&f.Action, "action", "", "only this action, such as deployment.create")
	flags.StringVar(&f.Outcome, "outcome", "", "only with this outcome: accepted, succeeded, refused, failed, cancelled")
	flags.StringVar(&f.Text, "text", "", "only with this text in it")
	since, until = between(flags)
	limitFlag(cmd, &f.Limit)
	return cmd
}

func (a *App) auditCSV(cmd *cobra.Command, f apiclient.AuditFilter) error {
	if cmd.Flags().Changed("limit") {
		return usage.Errorf("narrow it with --since and the other filters", "a CSV file has all events that match, so --limit does not go with it")
	}
	c, err := a.connect()
	if err != nil {
		return err
	}
	return c.AuditCSV(cmd.Context(), f, a.Screen.Out)
}

func (a *App) showAudit(events []api.AuditEvent) {
	t := a.Screen.Table("WHEN", "USER", "ACTION", "SANDBOX", "SERVICE", "OF", "OUTCOME", "DETAIL")
	for _, e := range events {
		of := e.Branch
		if e.SHA != "" {
			of = strings.TrimSpace(of + " " + sdp.ShortSHA(e.SHA))
		}
		t.Row(e.At.Local().Format("2006-01-02 15:04:05"), e.User, e.Action, e.Sandbox, e.Service, of, outcomeCell(e.Outcome), e.Detail)
	}
	t.Print("Nothing is recorded.")
}

func outcomeCell(outcome string) screen.Cell {
	switch sdp.Outcome(outcome) {
	case sdp.Succeeded:
		return screen.Cell{Text: outcome, Style: screen.Green}
	case sdp.Refused, sdp.OutcomeFailed:
		return screen.Cell{Text: outcome, Style: screen.Red}
	default:
		return screen.Cell{Text: outcome}
	}
}
