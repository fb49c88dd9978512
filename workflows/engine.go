package workflows

import (
	"context"
	"errors"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sdp/activities"
	"sdp/internal/sdp"
)

// Engine starts, cancels and asks the durable workflows. It is all the API knows of Temporal. Its errors are
// *sdp.Error.
type Engine struct{ client client.Client }

// NewEngine returns an Engine that talks through c.
func NewEngine(c client.Client) *Engine { return &Engine{client: c} }

// The inputs of the workflows a caller waits for.
type (
	// LoginInput asks a node to prove credentials against a repository. ID must be the operation the box is bound to.
	LoginInput = activities.LoginInput
	// BranchesInput asks the node that owns a repository for its branches.
	BranchesInput = activities.BranchesInput
	// TraceInput sends one tagged request through a sandbox and collects its hops from Nodes.
	TraceInput = activities.TraceInput
)

// Submit hands an accepted operation to its sandbox's entity workflow, which it starts if it is not running.
// Submitting one again is harmless: the entity knows it, or its workflow ID was used already.
func (e *Engine) Submit(ctx context.Context, op sdp.OperationRef) error {
	options := client.StartWorkflowOptions{
		ID:                    sdp.SandboxWorkflowID(op.Sandbox),
		TaskQueue:             sdp.ControlQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(attrSandbox.ValueSet(op.Sandbox)),
		StaticSummary:         "orders the operations of sandbox " + op.Sandbox,
	}
	_, err := e.client.SignalWithStartWorkflow(ctx, options.ID, signalSubmit, op, options, Sandbox, SandboxInput{Sandbox: op.Sandbox})
	return engineError(err)
}

// Cancel asks the sandbox's entity workflow to cancel an operation. It returns when the request is durable, not when
// the operation has ended.
func (e *Engine) Cancel(ctx context.Context, sandbox, id string) error {
	options := client.StartWorkflowOptions{ID: sdp.SandboxWorkflowID(sandbox), TaskQueue: sdp.ControlQueue}
	_, err := e.client.SignalWithStartWorkflow(ctx, options.ID, signalCancel, id, options, Sandbox, SandboxInput{Sandbox: sandbox})
	return engineError(err)
}

// Progress asks a deployment's workflow how far it is. It answers for ended ones too while Temporal keeps their history.
func (e *Engine) Progress(ctx context.Context, deployment string) (sdp.Progress, error) {
	var p sdp.Progress
	value, err := e.client.QueryWorkflow(ctx, sdp.OperationWorkflowID(sdp.OpDeploy, deployment), "", queryProgress)
	if err != nil {
		return p, engineError(err)
	}
	return p, engineError(value.Get(&p))
}

// VerifyLogin proves credentials with an ls-remote run by the node's worker.
func (e *Engine) VerifyLogin(ctx context.Context, in LoginInput) error {
	return e.run(ctx, "login/"+in.ID, Login, in, nil)
}

// Branches lists a repository's branches as its git server has them now.
func (e *Engine) Branches(ctx context.Context, in BranchesInput) ([]sdp.Branch, error) {
	var out []sdp.Branch
	err := e.run(ctx, "branches/"+in.ID, Branches, in, &out)
	return out, err
}

// Trace sends one tagged request through a sandbox and returns its hops in order.
func (e *Engine) Trace(ctx context.Context, in TraceInput) (sdp.Trace, error) {
	var out sdp.Trace
	err := e.run(ctx, "trace/"+in.ID, Trace, in, &out)
	return out, err
}

// askTimeout bounds a workflow somebody waits for.
const askTimeout = 45 * time.Second

func (e *Engine) run(ctx context.Context, id string, workflow, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	run, err := e.client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID: id, TaskQueue: sdp.ControlQueue, WorkflowExecutionTimeout: askTimeout,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
	}, workflow, in)
	if err != nil {
		return engineError(err)
	}
	return engineError(run.Get(ctx, out))
}

// engineError turns what Temporal returns into an error a person can use.
func engineError(err error) error {
	if err == nil {
		return nil
	}
	if f, ok := activities.FailureOf(err); ok {
		return f
	}
	var missing *serviceerror.NotFound
	if errors.As(err, &missing) {
		return sdp.Errorf(sdp.NotFound, "no-workflow", "there is no such run in Temporal any more").
			WithRemedy("the database keeps its record: `sdp history` shows it")
	}
	if errors.Is(err, context.DeadlineExceeded) || isUnavailable(err) {
		return sdp.Errorf(sdp.Unavailable, "temporal-unreachable", "Temporal does not answer: %w", err).
			WithRemedy("try again in a moment; `/readyz` tells when it is back")
	}
	return sdp.Errorf(sdp.Internal, "workflow-failed", "the workflow failed: %w", err)
}

func isUnavailable(err error) bool {
	var u *serviceerror.Unavailable
	var d *serviceerror.DeadlineExceeded
	return errors.As(err, &u) || errors.As(err, &d)
}
