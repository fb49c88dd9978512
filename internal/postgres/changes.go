package postgres

import (
	"context"

	"sdp/internal/sdp"
)

// NewChange is an accepted apply, clone or restore. Its Deployments are queued with it, but nothing of the sandbox
// changes before BeginChange.
type NewChange struct {
	// Operation is of kind apply, clone or restore. ID, Kind, RequestedBy and Change count; the sandbox is Change.Spec's.
	// The gateway of the specification, if there is one, names its repository.
	Operation sdp.Operation
	// New is set where Change.New is: Owner, Gateway and GatewayNode count, the rest is the change's.
	New *NewSandbox
	// RouteVersion is that of the sandbox the change was planned for. Every accepted change of routes or settings raises
	// it, so that a plan cannot be carried out on something else.
	RouteVersion int64
	// Deployments are those that Change.Actions name: ID, Service, Repository, Environment, Branch or SHA, Credentials and
	// Steps count. Their Env and Secrets do not: settings come from the specification.
	Deployments []NewDeployment
	// Secrets are encrypted already: by service, "" for those of the sandbox itself, and by key. nil keeps what is there;
	// otherwise the sandbox and each service of the specification have exactly these afterwards.
	Secrets map[string]map[string][]byte
}

// AcceptChange stores a change, its operation and its deployments, all or nothing, and for a new sandbox the sandbox
// too, with its public port. It is a Conflict if the sandbox is not what the change was planned for ("plan-stale"), if
// another change is under way ("change-running"), a service is being deployed or switched ("sandbox-busy"), the sandbox
// is being deleted, or, for a new one, exists ("sandbox-exists").
func (db *DB) AcceptChange(ctx context.Context, n NewChange) (sdp.Sandbox, []sdp.Deployment, error) {
	return sdp.Sandbox{}, nil, sdp.Errorf(sdp.Internal, "not-built", "changes cannot be accepted yet")
}
