package cli

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

// FinishChange shows what an apply, a clone or a restore does and follows it to its end. It returns a Shown if any of it
// failed.
func (a *App) FinishChange(ctx context.Context, c *apiclient.Client, out rest.Applied, wait bool) error {
	if a.Screen.Format == screen.Text {
		view.Plan(a.Screen, out.Plan)
	}
	if out.Operation == nil {
		return a.Screen.Data(out, func() {})
	}
	if !wait {
		return a.Screen.Data(out, func() { a.Screen.Printf("Accepted as %s.", out.Operation.ID) })
	}
	a.Screen.Notef("")
	ended, failure, err := a.followChange(ctx, c, &out)
	var gone *Detached
	if errors.As(failure, &gone) || failure != nil && ended.FinishedAt.IsZero() {
		return failure // it goes on, or the server is away
	}
	if err != nil {
		return err
	}
	out.Operation = &ended
	if err := a.Screen.Data(out, func() { a.showApplied(ctx, c, out) }); err != nil {
		return err
	}
	if outcome := a.Outcome(out.Deployments); outcome != nil && failure == nil {
		return outcome
	}
	return failure
}

// followChange follows an operation and its deployments side by side: it says what it waits for before any of them begins.
func (a *App) followChange(ctx context.Context, c *apiclient.Client, out *rest.Applied,
) (ended rest.Operation, failure, err error) {
	w := newWatcher(a.Screen)
	defer w.progress.Close()
	var deployments errgroup.Group
	deployments.Go(func() (err error) {
		out.Deployments, err = w.follow(ctx, c, out.Deployments)
		return err
	})
	ended, failure = w.followOperation(ctx, c, *out.Operation)
	return ended, failure, deployments.Wait()
}

func (a *App) showApplied(ctx context.Context, c *apiclient.Client, out rest.Applied) {
	if out.Operation.State != sdp.OpSucceeded {
		return
	}
	if s, err := c.Sandbox(ctx, out.Plan.Sandbox); err == nil {
		a.Screen.Printf("Sandbox %s is what was asked for: %s", a.Screen.Paint(screen.Bold, s.Name), a.Screen.Paint(screen.Cyan, s.URL))
		view.Attention(a.Screen, s)
	}
}

// FollowCreated ends a verb that made a sandbox: it follows the first deployments if it should, and shows what there is.
func (a *App) FollowCreated(ctx context.Context, c *apiclient.Client, out rest.CreatedSandbox, wait bool) error {
	if !wait {
		return a.Screen.Data(out, func() { view.Created(a.Screen, out) })
	}
	name := out.Sandbox.Name
	a.Screen.Notef("Sandbox %s is created: %s", a.Screen.Paint(screen.Bold, name), out.Sandbox.URL)
	var err error
	if out.Operation, err = a.FollowOperation(ctx, c, out.Operation); err != nil {
		return err
	}
	ended, err := a.Follow(ctx, c, out.Deployments)
	if err != nil {
		return err
	}
	out.Deployments = ended
	if out.Sandbox, err = c.Sandbox(ctx, name); err != nil {
		return err
	}
	if err := a.Screen.Data(out, func() { view.Sandbox(a.Screen, out.Sandbox) }); err != nil {
		return err
	}
	return a.Outcome(ended)
}
