package client

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) apply() *cobra.Command {
	var file string
	var in api.ApplySandbox
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
			if in.Spec, err = a.definition(file, args); err != nil {
				return err
			}
			if in.From = filepath.Base(file); file == "-" {
				in.From = "standard input"
			}
			return a.runApply(cmd.Context(), in, wait)
		},
	}
	fileFlag(cmd, &file)
	cmd.Flags().StringVar(&in.Plan, "plan", "", "do exactly the plan with this `hash`, or nothing")
	cmd.Flags().BoolVar(&in.Atomic, "atomic", false, "all or nothing: put everything back if anything fails")
	waitFlag(cmd, &wait)
	return cmd
}

func (a *App) runApply(ctx context.Context, in api.ApplySandbox, wait bool) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	out, err := c.Apply(ctx, in)
	if err != nil {
		return err
	}
	return a.finishChange(ctx, c, out, wait)
}

// finishChange shows what an apply, a clone or a restore does and follows it to its end. It returns ErrShown if any of it
// failed.
func (a *App) finishChange(ctx context.Context, c *apiclient.Client, out api.Applied, wait bool) error {
	if a.Screen.Format == screen.Text {
		a.showPlan(out.Plan)
	}
	if out.Operation == nil {
		return a.Screen.Data(out, func() {})
	}
	if !wait {
		return a.Screen.Data(out, func() { a.Screen.Printf("Accepted as %s.", out.Operation.ID) })
	}
	a.Screen.Notef("")
	var err error
	if len(out.Deployments) > 0 {
		if out.Deployments, err = a.follow(ctx, c, out.Deployments); err != nil {
			return err
		}
	}
	ended, failure := a.followOperation(ctx, c, *out.Operation)
	var gone *Detached
	if errors.As(failure, &gone) || failure != nil && ended.FinishedAt.IsZero() {
		return failure // it goes on, or the server is away
	}
	out.Operation = &ended
	if err := a.Screen.Data(out, func() { a.showApplied(ctx, c, out) }); err != nil {
		return err
	}
	if outcome := a.outcome(out.Deployments); outcome != nil && failure == nil {
		return outcome
	}
	return failure
}

func (a *App) showApplied(ctx context.Context, c *apiclient.Client, out api.Applied) {
	if out.Operation.State != string(sdp.OpSucceeded) {
		return
	}
	if s, err := c.Sandbox(ctx, out.Plan.Sandbox); err == nil {
		a.Screen.Printf("Sandbox %s is what was asked for: %s", a.Screen.Paint(screen.Bold, s.Name), a.Screen.Paint(screen.Cyan, s.URL))
		a.showAttention(s)
	}
}
