package snapshot

import (
	"context"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) snapshotRestore() *cobra.Command {
	var in rest.RestoreSnapshot
	var wait bool
	cmd := &cobra.Command{
		Use:   "restore SNAPSHOT [--to NAME] [--atomic]",
		Short: "Go back to a snapshot, in its sandbox or in a new one",
		Long: `Go back to a snapshot, in the sandbox it was taken of, or with --to in a new one, which is then yours. Services run
their commits of then from the images that were kept, with the variables, secrets, limits and the version of the
environment of then.

The sandbox stays there: its services keep their commits and it keeps its environment's version until you deploy a branch
or apply another definition.`,
		Example: `  sdp snapshot restore checkout/before-release --atomic
  sdp snapshot restore s-4k7qz2mwp3 --to checkout-as-it-was`,
		Args: usage.Args(0, "SNAPSHOT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runRestore(cmd.Context(), args[0], in, wait)
		},
	}
	f := cmd.Flags()
	f.StringVar(&in.Sandbox, "to", "", "make a new sandbox of this `NAME`")
	f.BoolVar(&in.Atomic, "atomic", false, "all services or none: one that fails leaves everything as it is")
	f.StringVar(&in.Plan, "plan", "", "refuse if the plan has another `HASH` by now")
	cli.WaitFlag(cmd, &wait)
	return cli.Follows[rest.Applied](a.App, cmd)
}

func (a verbs) runRestore(ctx context.Context, which string, in rest.RestoreSnapshot, wait bool) error {
	if in.Sandbox != "" {
		if err := sdp.CheckSandboxName(in.Sandbox); err != nil {
			return usage.Wrap(err)
		}
	}
	c, n, err := a.findSnapshot(ctx, which)
	if err != nil {
		return err
	}
	out, err := c.RestoreSnapshot(ctx, n.ID, in)
	if err != nil {
		return err
	}
	for _, v := range out.Plan.Services {
		if v.Vanished {
			a.Screen.Notef("%s: its repository does not have commit %s any more; the image that was kept runs.", v.Service, sdp.ShortSHA(v.SHA))
		}
	}
	return a.FinishChange(ctx, c, out, wait)
}
