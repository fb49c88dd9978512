package apitest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// Engine stands for Temporal and the nodes behind it. It does what the real one does with credentials: it opens the
// box with the node's own key, so a box for another node or operation fails. Each of its functions can be made to fail.
type Engine struct {
	Users    map[string]string // passwords by user
	nodeKeys map[string]*secret.NodeKeys

	mu        sync.Mutex
	submitted []sdp.OperationRef
	cancelled []string
	traces    []wire.TraceInput
	answer    func(*planning.PreflightResult)
	silent    map[string]sdp.Failure

	// Fail, if set, is asked before anything is done; call is the method's name.
	Fail func(call string) error
	// Progresses is what Progress answers by deployment; a missing one is NotFound.
	Progresses map[string]wire.Progress
	Runs       map[string]sdp.Run // what Describe answers by workflow; a missing one is missing
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

// Submit implements control.Engine.
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

// Cancel implements control.Engine.
func (e *Engine) Cancel(_ context.Context, op sdp.OperationRef) error {
	if err := e.failing("Cancel"); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cancelled = append(e.cancelled, op.ID)
	return nil
}

// Cancelled returns the IDs for which a cancel was asked.
func (e *Engine) Cancelled() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.cancelled)
}

// Describe implements control.Engine.
func (e *Engine) Describe(_ context.Context, workflow string) (sdp.Run, error) {
	if err := e.failing("Describe"); err != nil {
		return sdp.Run{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if run, known := e.Runs[workflow]; known {
		return run, nil
	}
	return sdp.Run{State: sdp.RunMissing}, nil
}

// Held implements control.Engine.
func (e *Engine) Held(context.Context, string) ([]string, error) {
	return nil, e.failing("Held")
}

// Progress implements control.Engine.
func (e *Engine) Progress(_ context.Context, deployment string) (wire.Progress, error) {
	if err := e.failing("Progress"); err != nil {
		return wire.Progress{}, err
	}
	p, ok := e.Progresses[deployment]
	if !ok {
		return p, sdp.Errorf(sdp.NotFound, "no-workflow", "Temporal has forgotten it")
	}
	return p, nil
}

// EndRetirement implements control.Engine.
func (e *Engine) EndRetirement(context.Context, string) error { return nil }

// VerifyLogin implements control.Engine.
func (e *Engine) VerifyLogin(_ context.Context, in wire.LoginInput, _ time.Time) error {
	if err := e.failing("VerifyLogin"); err != nil {
		return err
	}
	return e.prove(in.Credentials, in.Node, in.ID)
}

// Branches implements control.Engine.
func (e *Engine) Branches(_ context.Context, in wire.BranchesInput) ([]sdp.Branch, error) {
	if err := e.failing("Branches"); err != nil {
		return nil, err
	}
	return e.List, e.prove(in.Credentials, in.Node, in.ID)
}

// Trace implements control.Engine.
func (e *Engine) Trace(ctx context.Context, in wire.TraceInput) (wire.Trace, error) {
	if err := errors.Join(e.failing("Trace"), ctx.Err()); err != nil {
		return wire.Trace{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.traces = append(e.traces, in)
	return wire.Trace{ID: in.ID, Sandbox: in.Sandbox, Path: in.Path, Status: 200, Hops: []wire.Hop{
		{Node: in.Node, From: "client", Service: "account", Source: sdp.SourceOCP, Method: in.Method, Path: in.Path, Status: 200, Duration: 1500},
	}}, nil
}

// Traces returns the traces asked for.
func (e *Engine) Traces() []wire.TraceInput {
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

// Images implements control.Engine: each node has the images of Stock that name it, and a node of Broken does not answer.
func (e *Engine) Images(_ context.Context, in wire.InventoryInput) (wire.Inventory, error) {
	out := wire.Inventory{Failures: map[string]sdp.Failure{}}
	if err := e.failing("Images"); err != nil {
		return out, err
	}
	for _, node := range in.Nodes {
		if f, broken := e.Broken[node]; broken {
			out.Failures[node] = f
		}
		for _, i := range e.Stock {
			if i.Node == node {
				out.Images = append(out.Images, i)
			}
		}
	}
	return out, nil
}

// PruneImages implements control.Engine: what nothing needs goes.
func (e *Engine) PruneImages(_ context.Context, in wire.PruneRequest) (sdp.PruneReport, error) {
	out := sdp.PruneReport{Node: in.Node, DryRun: in.DryRun}
	if err := e.failing("PruneImages"); err != nil {
		return out, err
	}
	for _, i := range e.Stock {
		switch {
		case i.Node != in.Node || i.Kind == sdp.BaseImage:
		case len(i.NeededBy) > 0:
			out.Kept = append(out.Kept, i)
		default:
			out.Removed = append(out.Removed, i)
			out.Freed += i.Size
		}
	}
	return out, nil
}
