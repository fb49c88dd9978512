// Package engine starts, cancels and asks the durable workflows: all that the server knows of Temporal. The workflows
// themselves, which must be deterministic, are in workflows; here they have names only.
package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// How the runs of a sandbox, of a node and of a user are found in the Temporal UI.
var (
	sandboxAttribute = temporal.NewSearchAttributeKeyKeyword(wire.SandboxAttribute)
	nodeAttribute    = temporal.NewSearchAttributeKeyKeyword(wire.NodeAttribute)
	userAttribute    = temporal.NewSearchAttributeKeyKeyword(wire.UserAttribute)
)

// Engine is a client of Temporal. Its errors are *sdp.Error.
type Engine struct {
	client client.Client
	proofs Proofs
}

// Proofs tells what a node says from what others say in its name; *secret.Keyring does.
type Proofs interface {
	CheckProof(node string, issued time.Time, proof string, of ...string) bool
}

// New returns an Engine that talks through c.
func New(c client.Client, proofs Proofs) *Engine { return &Engine{client: c, proofs: proofs} }

// Submit hands an accepted operation to its sandbox's entity workflow, which it starts if it is not running.
// Submitting one again is harmless: the entity knows it, or its workflow ID was used already.
func (e *Engine) Submit(ctx context.Context, op sdp.OperationRef) error {
	return e.signal(ctx, op.Sandbox, wire.SubmitSignal, op)
}

// Cancel asks the sandbox's entity workflow to cancel an operation. It returns when the request is durable, not when
// the operation has ended.
func (e *Engine) Cancel(ctx context.Context, op sdp.OperationRef) error {
	return e.signal(ctx, op.Sandbox, wire.CancelSignal, sdp.OperationWorkflowID(op.Kind, op.ID))
}

// signal signals a sandbox's entity workflow, which it starts if it is not running.
func (e *Engine) signal(ctx context.Context, sandbox, signal string, arg any) error {
	options := client.StartWorkflowOptions{
		ID:                    sdp.SandboxWorkflowID(sandbox),
		TaskQueue:             sdp.ControlQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(sandboxAttribute.ValueSet(sandbox)),
		StaticSummary:         "orders the operations of sandbox " + sandbox,
	}
	_, err := e.client.SignalWithStartWorkflow(ctx, options.ID, signal, arg, options, wire.SandboxWorkflow,
		wire.SandboxInput{Sandbox: sandbox, Shape: wire.Shape})
	return engineError(err)
}

// EndRetirement ends the removal of a deployment's container, if there is one.
func (e *Engine) EndRetirement(ctx context.Context, deployment string) error {
	err := engineError(e.client.CancelWorkflow(ctx, sdp.RetireWorkflowID(deployment), ""))
	if sdp.KindOf(err) == sdp.NotFound {
		return nil
	}
	return err
}

// Progress asks a deployment's workflow how far it is. It answers for ended ones too while Temporal keeps their history.
func (e *Engine) Progress(ctx context.Context, deployment string) (wire.Progress, error) {
	var p wire.Progress
	value, err := e.client.QueryWorkflow(ctx, sdp.OperationWorkflowID(sdp.OpDeploy, deployment), "", wire.ProgressQuery)
	if err != nil {
		return p, engineError(err)
	}
	return p, engineError(value.Get(&p))
}

// lookTimeout bounds a look at a workflow that nobody waits for.
const lookTimeout = 5 * time.Second

// Describe says what Temporal knows of a workflow.
func (e *Engine) Describe(ctx context.Context, workflow string) (sdp.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	d, err := e.client.DescribeWorkflowExecution(ctx, workflow, "")
	switch {
	case isMissing(err):
		return sdp.Run{State: sdp.RunMissing}, nil
	case err != nil:
		return sdp.Run{}, engineError(err)
	}
	status := d.GetWorkflowExecutionInfo().GetStatus()
	if status == enums.WORKFLOW_EXECUTION_STATUS_RUNNING || status == enums.WORKFLOW_EXECUTION_STATUS_PAUSED {
		return sdp.Run{State: sdp.RunOpen, Attempts: int(d.GetPendingWorkflowTask().GetAttempt())}, nil
	}
	return sdp.Run{State: sdp.RunClosed, Ended: strings.ToLower(status.String())}, nil
}

// Held lists the operations that a sandbox's entity workflow has, queued or running.
func (e *Engine) Held(ctx context.Context, sandbox string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	value, err := e.client.QueryWorkflow(ctx, sdp.SandboxWorkflowID(sandbox), "", wire.HeldQuery)
	if err != nil {
		return nil, engineError(err)
	}
	var ids []string
	return ids, engineError(value.Get(&ids))
}

// Retention is how long Temporal keeps the history of what has ended.
func (e *Engine) Retention(ctx context.Context, namespace string) (time.Duration, error) {
	d, err := e.client.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	return d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration(), engineError(err)
}

// BegunBefore counts the workflows that have not ended and began before t.
func (e *Engine) BegunBefore(ctx context.Context, t time.Time) (int64, error) {
	found, err := e.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: fmt.Sprintf("ExecutionStatus = 'Running' AND StartTime < '%s'", t.UTC().Format(time.RFC3339))})
	return found.GetCount(), engineError(err)
}

// VerifyLogin proves credentials with an ls-remote run by the node's worker. Whoever reaches Temporal can answer in its
// place, so that only the node's proof of this very login counts, made with the token that was issued to it then.
func (e *Engine) VerifyLogin(ctx context.Context, in wire.LoginInput, issued time.Time) error {
	proof, err := answer[string](ctx, e, "login/"+in.ID, wire.LoginWorkflow, in,
		"proves credentials for "+in.Repository, nodeAttribute.ValueSet(in.Node), userAttribute.ValueSet(in.User))
	if err != nil {
		return err
	}
	if !e.proofs.CheckProof(in.Node, issued, proof, in.Claim()...) {
		return sdp.Errorf(sdp.Unavailable, "login-not-proven", "the answer to the login is not that of node %s", in.Node).WithRemedy(
			"an administrator gives the node the token this server has for it and runs the same version of sdp on both; where " +
				"that is so, somebody else answers in Temporal: restrict who reaches it")
	}
	return nil
}

// Branches lists a repository's branches as its git server has them now.
func (e *Engine) Branches(ctx context.Context, in wire.BranchesInput) ([]sdp.Branch, error) {
	return answer[[]sdp.Branch](ctx, e, "branches/"+in.ID, wire.BranchesWorkflow, in,
		"lists the branches of "+in.Repository, nodeAttribute.ValueSet(in.Node))
}

// Trace sends one tagged request through a sandbox and returns its hops in order.
func (e *Engine) Trace(ctx context.Context, in wire.TraceInput) (wire.Trace, error) {
	return answer[wire.Trace](ctx, e, "trace/"+in.ID, wire.TraceWorkflow, in,
		"traces a request through "+in.Sandbox, sandboxAttribute.ValueSet(in.Sandbox), nodeAttribute.ValueSet(in.Node))
}

// Preflight asks nodes about the services of a plan.
func (e *Engine) Preflight(ctx context.Context, in wire.PlanInput) (wire.PlanAnswer, error) {
	return answer[wire.PlanAnswer](ctx, e, "preflight/"+in.ID, wire.PreflightWorkflow, in, "asks nodes about a plan")
}

// Images lists the images on nodes that SDP has to do with, and what needs each.
func (e *Engine) Images(ctx context.Context, in wire.InventoryInput) (wire.Inventory, error) {
	return answer[wire.Inventory](ctx, e, "images/"+in.ID, wire.ImagesWorkflow, in, "lists images")
}

// PruneImages removes the images of a node that SDP made and nothing needs, or says what it would remove.
func (e *Engine) PruneImages(ctx context.Context, in wire.PruneRequest) (sdp.PruneReport, error) {
	return answer[sdp.PruneReport](ctx, e, "prune/"+in.ID, wire.PruneImagesWorkflow, in,
		"removes images that nothing needs", nodeAttribute.ValueSet(in.Node))
}

// askTimeout bounds a workflow somebody waits for.
const askTimeout = 45 * time.Second

// answer runs a workflow and returns what it answers. One that ends without an answer has not succeeded, whatever Temporal
// says.
func answer[T any](ctx context.Context, e *Engine, id, workflow string, in any, summary string,
	attributes ...temporal.SearchAttributeUpdate) (T, error) {
	var out *T // stays nil where nothing is answered
	err := e.run(ctx, client.StartWorkflowOptions{ID: id, StaticSummary: summary,
		TypedSearchAttributes: temporal.NewSearchAttributes(attributes...)}, workflow, in, &out)
	if err == nil && out == nil {
		err = sdp.Errorf(sdp.Unavailable, "unanswered", "the run %s ended in Temporal without an answer", id).WithRemedy("%s", sdp.SameVersionOrForged)
	}
	if err != nil {
		return *new(T), err
	}
	return *out, nil
}

func (e *Engine) run(ctx context.Context, options client.StartWorkflowOptions, workflow string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	options.TaskQueue, options.WorkflowExecutionTimeout = sdp.ControlQueue, askTimeout
	options.WorkflowIDReusePolicy = enums.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
	run, err := e.client.ExecuteWorkflow(ctx, options, workflow, in)
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
	if f, ok := failure.Of(err); ok {
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
