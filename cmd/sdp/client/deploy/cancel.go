package deploy

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) cancel() *cobra.Command {
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
			if err := cli.CheckID(args[0]); err != nil {
				return err
			}
			c, err := a.Connect()
			if err != nil {
				return err
			}
			if strings.HasPrefix(args[0], "o-") {
				return a.cancelOperation(cmd.Context(), c, args[0], wait)
			}
			return a.cancelDeployment(cmd.Context(), c, args[0], wait)
		},
	}
	cli.WaitFlag(cmd, &wait)
	return cli.Instead[rest.Operation](a.App, cli.Follows[rest.Deployment](a.App, cmd), "of an operation")
}

func (a verbs) cancelDeployment(ctx context.Context, c *apiclient.Client, id string, wait bool) error {
	d, err := c.Cancel(ctx, id)
	if err != nil {
		return err
	}
	if wait {
		d, err = cancelled(ctx, a, id, func() (rest.Deployment, error) { return c.WaitDeployment(ctx, id, a.DeploymentLine) })
		if err != nil {
			return err
		}
	}
	if err := a.Screen.Data(d, func() { a.showCancelled(d, wait) }); err != nil {
		return err
	}
	if wait && d.State != sdp.DeployCancelled {
		if err := unconfirmed(d.Failure); err != nil {
			return err
		}
		return sdp.Errorf(sdp.Conflict, "too-late", "%s was %s before it could be cancelled", id, d.State).
			WithRemedy("`sdp history %s` shows what runs; deploy another branch or stop the service", d.Sandbox)
	}
	return nil
}

func (a verbs) showCancelled(d rest.Deployment, waited bool) {
	switch {
	case !waited:
		a.Screen.Printf("%s is being cancelled.", d.ID)
	case d.State == sdp.DeployCancelled:
		a.Screen.Printf("%s is cancelled: nothing of it runs on %s.", d.ID, d.Node)
	}
}

func (a verbs) cancelOperation(ctx context.Context, c *apiclient.Client, id string, wait bool) error {
	op, err := c.CancelOperation(ctx, id)
	if err != nil {
		return err
	}
	if wait {
		op, err = cancelled(ctx, a, id, func() (rest.Operation, error) { return c.WaitOperation(ctx, id, a.OperationLine) })
		if err != nil {
			return err
		}
	}
	err = a.Screen.Data(op, func() {
		if !wait {
			a.Screen.Printf("%s is being cancelled.", op.ID)
		} else if op.State == sdp.OpCancelled {
			a.Screen.Printf("%s is cancelled.", op.ID)
		}
	})
	if err == nil && wait && op.State != sdp.OpCancelled {
		if err := unconfirmed(op.Failure); err != nil {
			return err
		}
		err = sdp.Errorf(sdp.Conflict, "too-late", "%s had %s before it could be cancelled", id, strings.ToLower(string(op.State))).
			WithRemedy("`sdp sandbox show %s` shows what there is now", op.Sandbox)
	}
	return err
}

// unconfirmed is why what was cancelled is not called cancelled, nil where it was not.
func unconfirmed(f *rest.Failure) error {
	if f == nil || f.Code != sdp.CodeCancelUnconfirmed {
		return nil
	}
	return apiclient.FailureError(f)
}

// cancelled waits until what is being cancelled has ended.
func cancelled[T any](ctx context.Context, a verbs, id string, end func() (T, error)) (T, error) {
	p := a.Screen.Progress()
	defer p.Close()
	p.Show(id, func() string { return "cancelling " + id })
	out, err := end()
	if err != nil {
		err = cli.Detach(ctx, err, "The cancellation goes on by itself.")
	}
	return out, err
}
