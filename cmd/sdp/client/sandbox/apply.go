package sandbox

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/specfile"
	"sdp/cmd/sdp/usage"
)

func (a verbs) apply() *cobra.Command {
	var file string
	var in rest.ApplySandbox
	var wait bool
	cmd := &cobra.Command{
		Use:   "apply -f sandbox.yaml [NAME] [--plan HASH] [--atomic]",
		Short: "Make a sandbox what a sandbox.yaml says",
		Long: `Make a sandbox what a sandbox.yaml says: it is created if there is none; services whose branch has moved or whose settings
have changed run anew, side by side; services the file does not mention go. Secrets and the owner stay as they are.

What fails leaves what ran before as it was. Without --atomic, what succeeded stays; with it, nothing is visible before
everything is healthy, and if anything fails all of it is put back.

With --plan HASH exactly the plan with that hash is carried out; if the sandbox, the file, the environment or a branch
has changed since, nothing is done. The exit code is 1 if anything failed, and 0 if there was nothing to do.`,
		Example: `  sdp apply -f sandbox.yaml
  sdp apply -f sandbox.yaml --plan 3f2a9c1d0b7e --atomic`,
		Args: usage.Args(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if in.Spec, err = specfile.Definition(a.App, file, args); err != nil {
				return err
			}
			if in.From = filepath.Base(file); file == "-" {
				in.From = "standard input"
			}
			return a.runApply(cmd.Context(), in, wait)
		},
	}
	specfile.Flag(cmd, &file)
	cmd.Flags().StringVar(&in.Plan, "plan", "", "do exactly the plan with this `hash`, or nothing")
	cmd.Flags().BoolVar(&in.Atomic, "atomic", false, "all or nothing: put everything back if anything fails")
	cli.WaitFlag(cmd, &wait)
	return cli.Follows[rest.Applied](a.App, cmd)
}

func (a verbs) runApply(ctx context.Context, in rest.ApplySandbox, wait bool) error {
	c, err := a.Connect()
	if err != nil {
		return err
	}
	out, err := c.Apply(ctx, in)
	if err != nil {
		return err
	}
	return a.FinishChange(ctx, c, out, wait)
}
