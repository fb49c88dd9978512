package env

import (
	"context"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) envRedeploy() *cobra.Command {
	var in rest.RedeployEnvironment
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
	cli.WaitFlag(cmd, &wait)
	return cli.Follows[rest.EnvironmentRedeployed](a.App, cmd)
}

func (a verbs) runEnvRedeploy(ctx context.Context, name string, in rest.RedeployEnvironment, wait bool) error {
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
		return &cli.Shown{Problem: sdp.Errorf(sdp.Failed, "services-failed", "not all services of environment %s were restarted", name).
			WithRemedy("`sdp env usage %s` shows what is behind", name)}
	}
	return nil
}

// followRestarts waits until all have ended and reports whether one did not succeed.
func (a verbs) followRestarts(ctx context.Context, c *apiclient.Client, operations []rest.Operation) (failed bool, err error) {
	for i, op := range operations {
		ended, err := a.FollowOperation(ctx, c, op)
		if ctx.Err() != nil {
			return true, err
		}
		if err != nil {
			failed = true
			if !a.Screen.Machine() {
				a.Screen.Error(err)
			}
		}
		operations[i] = ended
	}
	return failed, nil
}

func (a verbs) showRedeployed(out rest.EnvironmentRedeployed) {
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
