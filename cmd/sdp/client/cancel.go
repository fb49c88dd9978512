package client

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) cancel() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "cancel DEPLOYMENT|OPERATION",
		Short: "Cancel a deployment, an apply, a clone or a restore",
		Long: `Cancel a deployment (d-...) or an operation (o-...). It counts as cancelled once the machines that work on it have
confirmed that nothing of it runs any more; what served before goes on serving. Of an apply, what is done by then stays
done, unless it is atomic: then everything is as it was, and a sandbox it was to make is gone.`,
		Example: "  sdp cancel d-4k7qz2mwp3\n  sdp cancel o-7mz3kq5x2a",
		Args:    usage.Args(0, "DEPLOYMENT or OPERATION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkID(args[0]); err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if strings.HasPrefix(args[0], "o-") {
				return a.cancelOperation(cmd.Context(), c, args[0], wait)
			}
			return a.cancelDeployment(cmd.Context(), c, args[0], wait)
		},
	}
	waitFlag(cmd, &wait)
	return cmd
}

func (a *App) cancelDeployment(ctx context.Context, c *apiclient.Client, id string, wait bool) error {
	d, err := c.Cancel(ctx, id)
	if err != nil {
		return err
	}
	if wait {
		d, err = cancelled(ctx, a, id, func() (api.Deployment, error) { return c.WaitDeployment(ctx, id, nil) })
		if err != nil {
			return err
		}
	}
	if err := a.Screen.Data(d, func() { a.showCancelled(d, wait) }); err != nil {
		return err
	}
	if wait && d.State != string(sdp.DeployCancelled) {
		return sdp.Errorf(sdp.Conflict, "too-late", "%s was %s before it could be cancelled", id, d.State).
			WithRemedy("`sdp history %s` shows what runs; deploy another branch or stop the service", d.Sandbox)
	}
	return nil
}

func (a *App) showCancelled(d api.Deployment, waited bool) {
	switch {
	case !waited:
		a.Screen.Printf("%s is being cancelled.", d.ID)
	case d.State == string(sdp.DeployCancelled):
		a.Screen.Printf("%s is cancelled: nothing of it runs on %s.", d.ID, d.Node)
	}
}

func (a *App) cancelOperation(ctx context.Context, c *apiclient.Client, id string, wait bool) error {
	op, err := c.CancelOperation(ctx, id)
	if err != nil {
		return err
	}
	if wait {
		op, err = cancelled(ctx, a, id, func() (api.Operation, error) { return c.WaitOperation(ctx, id, nil) })
		if err != nil {
			return err
		}
	}
	err = a.Screen.Data(op, func() {
		if !wait {
			a.Screen.Printf("%s is being cancelled.", op.ID)
		} else if op.State == string(sdp.OpCancelled) {
			a.Screen.Printf("%s is cancelled.", op.ID)
		}
	})
	if err == nil && wait && op.State != string(sdp.OpCancelled) {
		err = sdp.Errorf(sdp.Conflict, "too-late", "%s had %s before it could be cancelled", id, strings.ToLower(op.State)).
			WithRemedy("`sdp sandbox show %s` shows what there is now", op.Sandbox)
	}
	return err
}

// cancelled waits until what is being cancelled has ended.
func cancelled[T any](ctx context.Context, a *App, id string, end func() (T, error)) (T, error) {
	p := a.Screen.Progress()
	defer p.Close()
	p.Show(id, func() string { return "cancelling " + id })
	out, err := end()
	if err != nil {
		err = detached(ctx, err, "The cancellation goes on by itself.")
	}
	return out, err
}
