package api

import (
	"context"

	"sdp/internal/sdp"
)

// changeRequest is everything that makes or changes a sandbox as a whole: apply, clone, restore and what a template
// renders to. The caller's session, taken from the context, asks the git servers.
type changeRequest struct {
	kind   sdp.OperationKind // apply, clone or restore
	spec   sdp.SandboxSpec
	isNew  bool   // the sandbox must not exist; else it is made if there is none
	atomic bool   // all or nothing
	from   string // what the spec comes from, for people: "sandbox.yaml", "clone of checkout"
	plan   string // hash of the plan that was looked at; "" = any
	// secrets replace all secrets of the sandbox ("") and of its services by key, sealed for the sandbox's contexts;
	// nil = they stay as they are.
	secrets map[string]map[string][]byte
	// images are those a snapshot says its services ran, by service: a commit that vanished still runs from its image.
	images map[string]string
}

// planChange says what applyChange would do.
func (s *Server) planChange(ctx context.Context, r changeRequest) (sdp.Plan, error) {
	return sdp.Plan{}, notBuilt()
}

// applyChange plans and starts the change. The answer has no operation where there is nothing to do.
func (s *Server) applyChange(ctx context.Context, r changeRequest) (*accepted[Applied], error) {
	return nil, notBuilt()
}

func notBuilt() error { return sdp.Errorf(sdp.Internal, "not-built", "this is not built yet") }
