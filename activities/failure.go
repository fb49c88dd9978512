package activities

import (
	"context"
	"errors"

	"go.temporal.io/sdk/temporal"

	"sdp/internal/failure"
	"sdp/internal/node"
	"sdp/internal/sdp"
)

// fail turns the error of a database activity into what Temporal carries: the code as type, the whole failure as details.
// Only what does not answer is tried again. Nothing else passes by itself, and a local activity that is repeated keeps
// signals and cancels away from its workflow.
func fail(err error) error { return failed(err) }

// failOnNode is fail for what runs on a node. There what nobody foresaw may pass, too: what Docker or git say is not known
// as well as what PostgreSQL says.
func failOnNode(err error) error { return failed(err, sdp.Internal) }

func failed(err error, mayPass ...sdp.Kind) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) {
		return temporal.NewCanceledError()
	}
	return failure.Activity(failureFrom(err), mayPass...)
}

func failureFrom(err error) sdp.Failure {
	f := failure.From(err)
	var out *node.OutputError
	if errors.As(err, &out) {
		f.Output = out.Output
	}
	return f
}
