package api

import (
	"context"

	"sdp/internal/sdp"
	"sdp/workflows"
)

// Engine makes things happen. The real one, *workflows.Engine, is a Temporal client. Every method returns *sdp.Error:
// Unavailable where Temporal or a worker does not answer.
type Engine interface {
	// Submit hands an operation that is in the database to its sandbox's entity workflow. A second Submit of the same
	// operation is harmless.
	Submit(ctx context.Context, op sdp.OperationRef) error
	// Cancel asks for a deployment or operation to be cancelled. It is cancelled only when its row says so.
	Cancel(ctx context.Context, sandbox, id string) error
	// Progress asks the deployment's own workflow. NotFound once Temporal has forgotten it.
	Progress(ctx context.Context, deployment string) (sdp.Progress, error)
	// VerifyLogin proves credentials with an ls-remote on the node that owns the repository.
	VerifyLogin(ctx context.Context, in workflows.LoginInput) error
	// Branches lists a repository's branches as its git server has them now.
	Branches(ctx context.Context, in workflows.BranchesInput) ([]sdp.Branch, error)
	// Trace sends a tagged request through a sandbox and collects the hops from the nodes' routers.
	Trace(ctx context.Context, in workflows.TraceInput) (sdp.Trace, error)
	// Preflight asks nodes about the services of a plan. A node that does not answer is in the answer's Failures.
	Preflight(ctx context.Context, in workflows.PreflightInput) (workflows.PreflightAnswer, error)
	// Images lists the images on nodes that SDP has to do with. A node that does not answer is in the answer's Failures.
	Images(ctx context.Context, in workflows.ImagesInput) (workflows.ImagesAnswer, error)
	// PruneImages removes the images of a node that SDP made and nothing needs, or says what it would remove.
	PruneImages(ctx context.Context, in workflows.PruneInput) (sdp.PruneReport, error)
}
