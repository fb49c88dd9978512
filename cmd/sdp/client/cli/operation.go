package cli

import (
	"context"
	"fmt"
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
	w := newWatcher(a.Screen)
	defer w.progress.Close()
	return w.followOperation(ctx, c, op)
}

func (w *watcher) followOperation(ctx context.Context, c *apiclient.Client, op rest.Operation) (rest.Operation, error) {
	var shown rest.Operation
	show := func(op rest.Operation) {
		w.operation(shown, op)
		shown = op
	}
	show(op)
	op, err := c.WaitOperation(ctx, op.ID, show)
	if err != nil {
		return op, Detach(ctx, err, "No longer watching; the operation goes on by itself.", operationGoesOn(shown)...)
	}
	w.progress.Show(op.ID, nil)
	if op.State == sdp.OpSucceeded {
		return op, nil
	}
	if err := apiclient.FailureError(op.Failure); err != nil {
		return op, err
	}
	return op, sdp.Errorf(sdp.Failed, "operation-unsuccessful", "the operation was %s", strings.ToLower(string(op.State))).
		WithRemedy("`sdp audit --sandbox %s` says by whom", op.Sandbox)
}

// operation shows what an operation does, if that is new, and names it: at once if it may be cancelled until its end, any other
// once it has to wait.
func (w *watcher) operation(before, op rest.Operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if reflect.DeepEqual(op, before) {
		return // the first look finds what was accepted
	}
	_ = w.screen.Line(Line{Type: "operation", Operation: &op}) // as in update
	text := op.ID + "  " + strings.TrimSpace(string(op.Kind)+" "+op.Sandbox+" "+op.Service)
	switch {
	case op.WaitingFor != "" && op.Cancelling:
		text += ", waiting for " + op.WaitingFor
	case op.WaitingFor != "":
		text += ", queued behind " + op.WaitingFor
	}
	w.progress.Show(op.ID, func() string { return text })
	known := before.ID != ""
	lasting := op.Kind.Rules().CancellableIn(sdp.OpRunning) && !op.Settled
	if !known && lasting || op.WaitingFor != "" && op.WaitingFor != before.WaitingFor {
		w.progress.Note(strings.Join(append([]string{text}, cancels(op)...), ": "))
	}
}

func operationGoesOn(op rest.Operation) []string {
	return append([]string{fmt.Sprintf("%s: `sdp history %s --active` shows it", op.ID, op.Sandbox)}, cancels(op)...)
}

// cancels says how an operation is cancelled, if it can be.
func cancels(op rest.Operation) []string {
	if !op.Cancellable {
		return nil
	}
	return []string{fmt.Sprintf("`sdp cancel %s` cancels it", op.ID)}
}
