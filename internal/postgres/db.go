package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/envstore"
	"sdp/internal/postgres/hub"
	"sdp/internal/postgres/logstore"
	"sdp/internal/postgres/migrations"
	"sdp/internal/postgres/nodestore"
	"sdp/internal/postgres/outbox"
	"sdp/internal/postgres/pg"
	"sdp/internal/postgres/requests"
	"sdp/internal/postgres/sealed"
	"sdp/internal/sdp"
)

// DB is the platform's database. It is safe for concurrent use. What concerns tables of their own is done by the packages
// below; DB has their methods too.
type DB struct {
	pool *pg.Pool
	environmentStore
	logStore
	nodeStore
	outboxStore
	requestStore
	sealedStore
}

type (
	environmentStore = envstore.Store
	logStore         = logstore.Store
	nodeStore        = nodestore.Store
	outboxStore      = outbox.Store
	requestStore     = requests.Store
	sealedStore      = sealed.Store
)

// Types of the packages below that callers need.
type (
	AuditFilter        = outbox.AuditFilter
	EnvironmentChange  = envstore.EnvironmentChange
	EnvironmentContent = envstore.EnvironmentContent
	EnvironmentInUse   = envstore.EnvironmentInUse
	EnvironmentUser    = envstore.EnvironmentUser
	AuditTrail         = outbox.Trail
	Event              = hub.Event
	EventFilter        = outbox.EventFilter
	Hub                = hub.Hub
	Page               = pg.Page
	Resealed           = sealed.Resealed
	SealedUse          = sealed.SealedUse
	SharedService      = nodestore.SharedService
	StoredEnvironment  = envstore.StoredEnvironment
	StoredResponse     = requests.StoredResponse
)

// Open connects to the database at url; password, if not empty, replaces the one in url. The schema must be there
// already (see Migrate).
func Open(ctx context.Context, url, password string) (*DB, error) {
	pool, err := pg.Open(ctx, url, password)
	if err != nil {
		return nil, err
	}
	return &DB{
		pool:             pool,
		environmentStore: envstore.New(pool),
		logStore:         logstore.New(pool),
		nodeStore:        nodestore.New(pool),
		outboxStore:      outbox.New(pool),
		requestStore:     requests.New(pool),
		sealedStore:      sealed.New(pool),
	}, nil
}

// Close waits for connections in use to be given back and closes them all.
func (db *DB) Close() { db.pool.Close() }

// Ping reports whether the database answers and takes changes.
func (db *DB) Ping(ctx context.Context) error { return db.pool.Ping(ctx) }

// KnowsSchema is a Conflict, "database-newer", once a newer program has migrated the database: what it writes is not
// understood here, and what is written here may be wrong there.
func (db *DB) KnowsSchema(ctx context.Context) error { return migrations.Known(ctx, db.pool) }

// Listen starts a hub that runs until ctx ends; then all subscriptions' channels are closed. It returns once it
// listens: what changes after that is announced.
func (db *DB) Listen(ctx context.Context) (*Hub, error) { return hub.Listen(ctx, db.pool) }

// Migrate brings the schema of the database at url up to date. See package migrations.
func Migrate(ctx context.Context, url, password string) error {
	return migrations.Run(ctx, url, password)
}

// WithAudit returns a context whose next change writes the events that due returns then, in its transaction; see
// outbox.Trail.
func WithAudit(ctx context.Context, due func() []sdp.AuditEvent) (context.Context, *AuditTrail) {
	return outbox.WithTrail(ctx, due)
}

// accept and change are how this package's methods make changes that are audited.
func (db *DB) accept(ctx context.Context, what string, do func(tx pgx.Tx) error) error {
	return outbox.Accept(ctx, db.pool, what, do)
}

func (db *DB) change(ctx context.Context, what string, do func(tx pgx.Tx) error) error {
	return outbox.Change(ctx, db.pool, what, do)
}
