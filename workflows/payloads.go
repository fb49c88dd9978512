package workflows

import (
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/failure"
)

// Refusals makes it the failure of a step that its input cannot be given to Temporal, because it is too large. The SDK
// panics over that, and a workflow task that panics is tried again for ever, with nothing to be seen by who waits for it.
func Refusals() interceptor.WorkerInterceptor {
	return &outbound{wrap: func(next interceptor.WorkflowOutboundInterceptor) interceptor.WorkflowOutboundInterceptor {
		out := &refusingOutbound{}
		out.Next = next
		return out
	}}
}

type refusingOutbound struct {
	interceptor.WorkflowOutboundInterceptorBase
}

func (r *refusingOutbound) ExecuteActivity(ctx workflow.Context, activity string, args ...any) (out workflow.Future) {
	defer func() {
		if err := refusal(recover()); err != nil {
			future, settable := workflow.NewFuture(ctx)
			settable.SetError(err)
			out = future
		}
	}()
	return r.Next.ExecuteActivity(ctx, activity, args...)
}

func (r *refusingOutbound) NewContinueAsNewError(ctx workflow.Context, definition any, args ...any) (err error) {
	defer func() {
		if refused := refusal(recover()); refused != nil {
			err = refused
		}
	}()
	return r.Next.NewContinueAsNewError(ctx, definition, args...)
}

// refusal is the failure the SDK panicked with, nil if it did not panic. Any other panic goes on.
func refusal(panicked any) error {
	if panicked == nil {
		return nil
	}
	if err, ok := panicked.(error); ok {
		if _, known := failure.Of(err); known {
			return err
		}
	}
	panic(panicked)
}
