package apitest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/workflows"
)

// Engine stands for Temporal and the nodes behind it. It does what the real one does with credentials: it opens the
// box with the node's own key, so a box for another node or operation fails. Each of its functions can be made to fail.
type Engine struct {
	Users    map[string]string // passwords by user
	nodeKeys map[string]*secret.NodeKeys

	mu        sync.Mutex
	submitted []sdp.OperationRef
	cancelled []string
	traces    []workflows.TraceInput
	answer    func(*sdp.PreflightResult)
	silent    map[string]sdp.Failure

	// Fail, if set, is asked before anything is done; call is the method's name.
	Fail func(call string) error
	// Progresses is what Progress answers by deployment; a missing one is NotFound.
	Progresses map[string]sdp.Progress
	List       []sdp.Branch
	Stock      []sdp.NodeImage        // images of all nodes
	Broken     map[string]sdp.Failure // nodes that do not answer
}

func (e *Engine) failing(call string) error {
	e.mu.Lock()
	fail := e.Fail
	e.mu.Unlock()
	if fail == nil {
		return nil
	}
	return fail(call)
}

// FailWith makes calls fail; nil makes them work again.
func (e *Engine) FailWith(fail func(call string) error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Fail = fail
}

// Submit implements api.Engine.
func (e *Engine) Submit(_ context.Context, op sdp.OperationRef) error {
	if err := e.failing("Submit"); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.submitted = append(e.submitted, op)
	return nil
}

// Submitted returns what was submitted.
func (e *Engine) Submitted() []sdp.OperationRef {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.submitted)
}

// Cancel implements api.Engine.
func (e *Engine) Cancel(_ context.Context, _, id string) error {
	if err := e.failing("Cancel"); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cancelled = append(e.cancelled, id)
	return nil
}

// Cancelled returns the IDs for which a cancel was asked.
func (e *Engine) Cancelled() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.cancelled)
}

// Progress implements api.Engine.
func (e *Engine) Progress(_ context.Context, deployment string) (sdp.Progress, error) {
	if err := e.failing("Progress"); err != nil {
		return sdp.Progress{}, err
	}
	p, ok := e.Progresses[deployment]
	if !ok {
		return p, sdp.Errorf(sdp.NotFound, "no-workflow", "Temporal has forgotten it")
	}
	return p, nil
}

// VerifyLogin implements api.Engine.
func (e *Engine) VerifyLogin(_ context.Context, in workflows.LoginInput) error {
	if err := e.failing("VerifyLogin"); err != nil {
		return err
	}
	return e.prove(in.Credentials, in.Node, in.ID)
}

// Branches implements api.Engine.
func (e *Engine) Branches(_ context.Context, in workflows.BranchesInput) ([]sdp.Branch, error) {
	if err := e.failing("Branches"); err != nil {
		return nil, err
	}
	return e.List, e.prove(in.Credentials, in.Node, in.ID)
}

// Trace implements api.Engine.
func (e *Engine) Trace(ctx context.Context, in workflows.TraceInput) (sdp.Trace, error) {
	if err := errors.Join(e.failing("Trace"), ctx.Err()); err != nil {
		return sdp.Trace{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.traces = append(e.traces, in)
	return sdp.Trace{ID: in.ID, Sandbox: in.Sandbox, Path: in.Path, Status: 200, Hops: []sdp.Hop{
		{Node: in.Node, From: "client", Service: "account", Source: sdp.SourceOCP, Method: in.Method, Path: in.Path, Status: 200, Duration: 1500},
	}}, nil
}

// Traces returns the traces asked for.
func (e *Engine) Traces() []workflows.TraceInput {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.traces)
}

// Opened returns what a node finds in a box.
func (e *Engine) Opened(box sdp.SealedBox, node, operation string) (user, password string, err error) {
	raw, err := e.nodeKeys[node].Open(box, node, operation, time.Now())
	if err != nil {
		return "", "", err
	}
	var credentials struct{ User, Password string }
	err = json.Unmarshal(raw, &credentials)
	return credentials.User, credentials.Password, err
}

func (e *Engine) prove(box sdp.SealedBox, node, operation string) error {
	user, password, err := e.Opened(box, node, operation)
	if err != nil {
		return err
	}
	if want, ok := e.Users[user]; !ok || want != password {
		return sdp.Errorf(sdp.Unauthenticated, "wrong-credentials", "the git server refuses this user name and password").
			WithRemedy("check both")
	}
	return nil
}
