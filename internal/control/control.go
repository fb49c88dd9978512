package control

import (
	"context"
	"log/slog"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// Config is what a Control needs. DB, Keys and Engine are required.
type Config struct {
	DB     *postgres.DB
	Keys   *secret.Keyring
	Engine Engine
	Log    *slog.Logger // default slog.Default()
	// SharedServices are services of the shared environment that no repository provides, as given to
	// postgres.DB.SetSharedServices.
	SharedServices map[string]postgres.SharedService
	// LoginRepository is the repository whose git server proves credentials.
	LoginRepository string
	// Started is when the server started (default: when New is called). For LivenessGrace (default
	// sdp.LivenessLimit) after it nodes count as alive, because their heartbeats had nowhere to go.
	Started       time.Time
	LivenessGrace time.Duration
	Now           func() time.Time // default time.Now
}

// Control carries the use cases out.
type Control struct {
	cfg    Config
	db     *postgres.DB
	keys   *secret.Keyring
	engine Engine
	log    *slog.Logger
	now    func() time.Time
	plans  recentPlans
	looks  looks
}

// New returns a Control. It starts nothing by itself.
func New(cfg Config) *Control {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Started.IsZero() {
		cfg.Started = cfg.Now()
	}
	if cfg.LivenessGrace == 0 {
		cfg.LivenessGrace = sdp.LivenessLimit
	}
	return &Control{cfg: cfg, db: cfg.DB, keys: cfg.Keys, engine: cfg.Engine, log: cfg.Log, now: cfg.Now}
}

// Engine makes things happen. The real one, *engine.Engine, is a Temporal client. Every method returns *sdp.Error:
// Unavailable where Temporal or a worker does not answer.
type Engine interface {
	// Submit hands an operation that is in the database to its sandbox's entity workflow. A second Submit of the same
	// operation is harmless.
	Submit(ctx context.Context, op sdp.OperationRef) error
	// Cancel asks for a deployment or operation to be cancelled. It is cancelled only when its row says so.
	Cancel(ctx context.Context, op sdp.OperationRef) error
	// Describe says what Temporal knows of a workflow, by its ID.
	Describe(ctx context.Context, workflow string) (sdp.Run, error)
	// Held lists the operations that a sandbox's entity workflow has, queued or running.
	Held(ctx context.Context, sandbox string) ([]string, error)
	// EndRetirement ends the removal of a deployment's container, which waits for a node that does not come back.
	EndRetirement(ctx context.Context, deployment string) error
	// Progress asks the deployment's own workflow. NotFound once Temporal has forgotten it.
	Progress(ctx context.Context, deployment string) (wire.Progress, error)
	// VerifyLogin proves credentials with an ls-remote on the node that owns the repository, whose token was issued then.
	VerifyLogin(ctx context.Context, in wire.LoginInput, issued time.Time) error
	// Branches lists a repository's branches as its git server has them now.
	Branches(ctx context.Context, in wire.BranchesInput) ([]sdp.Branch, error)
	// Trace sends a tagged request through a sandbox and collects the hops from the nodes' routers.
	Trace(ctx context.Context, in wire.TraceInput) (wire.Trace, error)
	// Preflight asks nodes about the services of a plan. A node that does not answer is in the answer's Failures.
	Preflight(ctx context.Context, in wire.PlanInput) (wire.PlanAnswer, error)
	// Images lists the images on nodes that SDP has to do with. A node that does not answer is in the answer's Failures.
	Images(ctx context.Context, in wire.InventoryInput) (wire.Inventory, error)
	// PruneImages removes the images of a node that SDP made and nothing needs, or says what it would remove.
	PruneImages(ctx context.Context, in wire.PruneRequest) (sdp.PruneReport, error)
}
