package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// poolSize is the number of connections unless the URL's pool_max_conns says otherwise. The server's requests are
// short; what exceeds it waits in the pool instead of loading the database.
const poolSize = 16

// statementLimit ends a statement that hangs, on a lock for instance: a caller gets an error it can retry.
const statementLimit = "30s"

// DB is the platform's database. It is safe for concurrent use.
type DB struct {
	pool *pgxpool.Pool
}

// Open connects to the database at url; password, if not empty, replaces the one in url. The schema must be there
// already (see Migrate).
func Open(ctx context.Context, url, password string) (*DB, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, badURL(err)
	}
	prepare(config.ConnConfig, password)
	config.ConnConfig.RuntimeParams["statement_timeout"] = statementLimit
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = poolSize
	}
	config.AfterConnect = useUTC
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, unreachable(err)
	}
	db := &DB{pool: pool}
	if err := db.Ping(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

func prepare(config *pgx.ConnConfig, password string) {
	if password != "" {
		config.Password = password
	}
	config.RuntimeParams["application_name"] = "sdp"
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 10 * time.Second
	}
}

func useUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID,
		Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
	return nil
}

// Close waits for connections in use to be given back and closes them all.
func (db *DB) Close() { db.pool.Close() }

// Ping reports whether the database answers.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.pool.Ping(ctx); err != nil {
		return unreachable(err)
	}
	return nil
}

// querier is what a pool and a transaction have in common.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// snapshot makes several queries see the same moment.
var snapshot = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// inTx runs do in a transaction, again if PostgreSQL ended it for a deadlock or a serialization failure.
func (db *DB) inTx(ctx context.Context, what string, do func(tx pgx.Tx) error) error {
	return db.inTxWith(ctx, pgx.TxOptions{}, what, do)
}

func (db *DB) inTxWith(ctx context.Context, o pgx.TxOptions, what string, do func(tx pgx.Tx) error) error {
	const attempts = 5
	var err error
	for range attempts {
		err = pgx.BeginTxFunc(ctx, db.pool, o, do)
		if !isCode(err, "40001", "40P01") {
			break
		}
	}
	return translate(what, err)
}

// isCode reports whether err is PostgreSQL's with one of the given SQLSTATE codes.
func isCode(err error, codes ...string) bool {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return false
	}
	for _, c := range codes {
		if pgErr.Code == c {
			return true
		}
	}
	return false
}

// query runs one query and collects its rows.
func query[T any](ctx context.Context, q querier, what string, scan pgx.RowToFunc[T], sql string, args ...any,
) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, translate(what, err)
	}
	list, err := pgx.CollectRows(rows, scan)
	return list, translate(what, err)
}

// collect adds a query to a batch whose rows are appended to list when the batch is run.
func collect[T any](b *pgx.Batch, list *[]T, scan pgx.RowToFunc[T], sql string, args ...any) {
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		var err error
		*list, err = pgx.AppendRows(*list, rows, scan)
		return err
	})
}
