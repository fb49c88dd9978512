package client

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
)

func (a *App) envUsage() *cobra.Command {
	return &cobra.Command{
		Use: "usage NAME", Short: "Show who uses an environment, and what runs with an older version of it",
		Example: "  sdp env usage dev",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForEnv(args[0])
			if err != nil {
				return err
			}
			u, err := c.EnvironmentUsage(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.Screen.Data(u, func() { a.showEnvironmentUsage(u) })
		},
	}
}

func (a *App) showEnvironmentUsage(u api.EnvironmentUsage) {
	a.Screen.Printf("%s  version %d, used by %s", a.Screen.Paint(screen.Bold, u.Name), u.Version, orNobody(u.Sandboxes))
	t := a.Screen.Table("SANDBOX", "SERVICE", "OWNER", "RUNS WITH", "STATE")
	behind := false
	for _, s := range u.Services {
		state := screen.Cell{Text: "up to date", Style: screen.Green}
		switch {
		case s.Behind:
			state, behind = screen.Cell{Text: "behind", Style: screen.Yellow}, true
		case s.Pinned:
			state = screen.Cell{Text: "pinned", Style: screen.Dim}
		}
		t.Row(s.Sandbox, s.Service, s.Owner, s.Runs, state)
	}
	t.Print("Nothing runs with it.")
	if behind {
		a.Screen.Notef("`sdp env redeploy %s` restarts what is behind.", u.Name)
	}
}

func orNobody(sandboxes []string) string {
	if len(sandboxes) == 0 {
		return "no sandbox"
	}
	return strings.Join(sandboxes, ", ")
}

func (a *App) envRedeploy() *cobra.Command {
	var in api.RedeployEnvironment
	var wait bool
	cmd := &cobra.Command{
		Use: "redeploy NAME", Short: "Restart what runs with an older version of an environment",
		Long: `Restart what runs with another version of an environment than a restart would give it: a new container of the same
image takes over, without an interruption. What cannot be restarted now is listed with the reason, and the command fails.`,
		Example: "  sdp env redeploy dev\n  sdp env redeploy dev --sandbox checkout",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runEnvRedeploy(cmd.Context(), args[0], in, wait)
		},
	}
	cmd.Flags().StringArrayVar(&in.Sandboxes, "sandbox", nil, "restart only what is in this `SANDBOX`; may be repeated")
	waitFlag(cmd, &wait)
	return cmd
}

func (a *App) runEnvRedeploy(ctx context.Context, name string, in api.RedeployEnvironment, wait bool) error {
	c, err := a.connectForEnv(name)
	if err != nil {
		return err
	}
	out, err := c.RedeployEnvironment(ctx, name, in)
	if err != nil {
		return err
	}
	failed := len(out.Refused) > 0
	if wait {
		bad, err := a.followRestarts(ctx, c, out.Operations)
		if err != nil {
			return err
		}
		failed = failed || bad
	}
	if err := a.Screen.Data(out, func() { a.showRedeployed(out) }); err != nil {
		return err
	}
	if failed {
		return ErrShown
	}
	return nil
}

// followRestarts waits until all have ended and reports whether one did not succeed.
func (a *App) followRestarts(ctx context.Context, c *apiclient.Client, operations []api.Operation) (failed bool, err error) {
	for i, op := range operations {
		ended, err := a.followOperation(ctx, c, op)
		if ctx.Err() != nil {
			return true, err
		}
		if err != nil {
			failed = true
			a.Screen.Error(err)
		}
		operations[i] = ended
	}
	return failed, nil
}

func (a *App) showRedeployed(out api.EnvironmentRedeployed) {
	if len(out.Operations)+len(out.Refused) == 0 {
		a.Screen.Printf("Nothing is behind: all runs with version %d or the version its sandbox is pinned to.", out.Version)
		return
	}
	t := a.Screen.Table("SANDBOX", "SERVICE", "RESTART", "WHY")
	for _, op := range out.Operations {
		t.Row(op.Sandbox, op.Service, op.State, "")
	}
	for _, r := range out.Refused {
		t.Row(r.Sandbox, r.Service, screen.Cell{Text: "refused", Style: screen.Red}, r.Detail+"; "+r.Remedy)
	}
	t.Print("")
}
