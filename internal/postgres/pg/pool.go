// Package pg is what all packages that keep something in PostgreSQL share: connections, transactions, pages of lists,
// and errors in the domain's words. It knows no table.
package pg

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

// Pool are connections to the platform's database. It is safe for concurrent use.
type Pool struct {
	*pgxpool.Pool
}

// Open connects to the database at url; password, if not empty, replaces the one in url. The schema must be there
// already (see Migrate).
func Open(ctx context.Context, url, password string) (*Pool, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, BadURL(err)
	}
	Prepare(config.ConnConfig, password)
	config.ConnConfig.RuntimeParams["statement_timeout"] = statementLimit
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = poolSize
	}
	config.AfterConnect = useUTC
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, Unreachable(err)
	}
	p := &Pool{pool}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, Unreachable(err)
	}
	return p, nil
}

// Prepare sets what all connections have in common.
func Prepare(config *pgx.ConnConfig, password string) {
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

// Ping reports whether the database answers and takes changes.
func (p *Pool) Ping(ctx context.Context) error {
	var readOnly bool
	if err := p.QueryRow(ctx, "SELECT current_setting('transaction_read_only')::bool").Scan(&readOnly); err != nil {
		return Unreachable(err)
	}
	if readOnly {
		return ReadOnly(errors.New("its transactions are read-only"))
	}
	return nil
}

// Querier is what a pool and a transaction have in common.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Snapshot makes several queries see the same moment.
var Snapshot = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}

// InTx runs do in a transaction, again if PostgreSQL ended it for a deadlock or a serialization failure.
func (p *Pool) InTx(ctx context.Context, what string, do func(tx pgx.Tx) error) error {
	return p.InTxWith(ctx, pgx.TxOptions{}, what, do)
}

// InTxWith is InTx with options.
func (p *Pool) InTxWith(ctx context.Context, o pgx.TxOptions, what string, do func(tx pgx.Tx) error) error {
	const attempts = 5
	var err error
	for range attempts {
		err = pgx.BeginTxFunc(ctx, p.Pool, o, do)
		if !IsCode(err, "40001", "40P01") {
			break
		}
	}
	return Translate(what, err)
}

// IsCode reports whether err is PostgreSQL's with one of the given SQLSTATE codes.
func IsCode(err error, codes ...string) bool {
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

// Query runs one query and collects its rows.
func Query[T any](ctx context.Context, q Querier, what string, scan pgx.RowToFunc[T], sql string, args ...any,
) ([]T, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, Translate(what, err)
	}
	list, err := pgx.CollectRows(rows, scan)
	return list, Translate(what, err)
}

// Collect adds a query to a batch whose rows are appended to list when the batch is run.
func Collect[T any](b *pgx.Batch, list *[]T, scan pgx.RowToFunc[T], sql string, args ...any) {
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		var err error
		*list, err = pgx.AppendRows(*list, rows, scan)
		return err
	})
}

// One runs a query for one row; where there is none it returns pgx.ErrNoRows.
func One[T any](ctx context.Context, q Querier, scan pgx.RowToFunc[T], sql string, args ...any) (one T, err error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return one, err
	}
	return pgx.CollectOneRow(rows, scan)
}

// ByName scans rows into R, whose fields name the columns, and makes of each what domain does.
func ByName[R, T any](domain func(R) T) pgx.RowToFunc[T] {
	return func(row pgx.CollectableRow) (value T, err error) {
		r, err := pgx.RowToStructByName[R](row)
		if err != nil {
			return value, err
		}
		return domain(r), nil
	}
}
