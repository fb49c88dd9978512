package observe

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) audit() *cobra.Command {
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
		Annotations: map[string]string{cli.CSV: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkLimit(f.Limit); err != nil {
				return err
			}
			f.Since, f.Until = since.Time, until.Time
			if a.Screen.Format == screen.CSV {
				return a.auditCSV(cmd, f)
			}
			get := func(c *apiclient.Client, ctx context.Context) ([]rest.AuditEvent, error) { return c.Audit(ctx, f) }
			return cli.Ask(a.App, cmd, get, a.showAudit)
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
	return cli.Prints[[]rest.AuditEvent](a.App, cmd)
}

func (a verbs) auditCSV(cmd *cobra.Command, f apiclient.AuditFilter) error {
	if cmd.Flags().Changed("limit") {
		return usage.Errorf("narrow it with --since and the other filters", "a CSV file has all events that match, so --limit does not go with it")
	}
	c, err := a.Connect()
	if err != nil {
		return err
	}
	return c.AuditCSV(cmd.Context(), f, a.Screen.Out)
}

func (a verbs) showAudit(events []rest.AuditEvent) {
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
