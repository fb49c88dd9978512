package cli

import (
	"context"
	"reflect"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

// WaitFlag adds --wait to a verb that takes seconds and waits unless told not to.
func WaitFlag(cmd *cobra.Command, wait *bool) {
	cmd.Flags().BoolVar(wait, "wait", true, "wait until it is done; --wait=false returns once accepted")
}

// Operate hands in an operation that naming its object says all of, and sees it through like Settle. The service is "" where
// the sandbox is meant.
func (a *App) Operate(ctx context.Context, kind sdp.OperationKind, sandbox, service string, wait bool, done string) error {
	connect := a.ConnectFor
	if kind.Rules().Scope == sdp.ScopeService {
		connect = func(sandbox string) (*apiclient.Client, error) { return a.ConnectForService(sandbox, service) }
	}
	c, err := connect(sandbox)
	if err != nil {
		return err
	}
	op, err := c.Operate(ctx, kind, sandbox, service)
	if err != nil {
		return err
	}
	return a.Settle(ctx, c, op, wait, done)
}

// Settle ends a verb that handed in an operation: it waits if it should, then prints the operation or says done.
func (a *App) Settle(ctx context.Context, c *apiclient.Client, op rest.Operation, wait bool, done string) error {
	if !wait {
		return a.Screen.Data(op, func() { a.Screen.Printf("Accepted as %s.", op.ID) })
	}
	ended, err := a.FollowOperation(ctx, c, op)
	if err != nil {
		return err
	}
	return a.Screen.Data(ended, func() { a.Screen.Printf("%s", done) })
}

// FollowOperation waits until an operation ends; one that did not succeed is an error.
func (a *App) FollowOperation(ctx context.Context, c *apiclient.Client, op rest.Operation) (rest.Operation, error) {
	p := a.Screen.Progress()
	defer p.Close()
	var shown rest.Operation
	show := func(op rest.Operation) {
		if reflect.DeepEqual(op, shown) {
			return // the first look finds what was accepted
		}
		shown = op
		a.OperationLine(op)
		text := strings.TrimSpace(string(op.Kind) + " " + op.Sandbox + " " + op.Service)
		if op.WaitingFor != "" {
			text += ", queued behind " + op.WaitingFor
		}
		p.Show(op.ID, func() string { return text })
	}
	show(op)
	op, err := c.WaitOperation(ctx, op.ID, show)
	if err != nil {
		return op, Detach(ctx, err, "No longer watching; the operation goes on by itself.")
	}
	p.Show(op.ID, nil)
	if op.State == sdp.OpSucceeded {
		return op, nil
	}
	if err := apiclient.FailureError(op.Failure); err != nil {
		return op, err
	}
	return op, sdp.Errorf(sdp.Failed, "operation-unsuccessful", "the operation was %s", strings.ToLower(string(op.State))).
		WithRemedy("`sdp audit --sandbox %s` says by whom", op.Sandbox)
}
