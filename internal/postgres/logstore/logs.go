// Package logstore keeps logs as streams of bytes, cut into chunks, a partition a day.
package logstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// Store is this package's part of the database. It is safe for concurrent use.
type Store struct{ pool *pg.Pool }

// New returns a store on a pool.
func New(pool *pg.Pool) Store { return Store{pool} }

// chunkSize bounds a stored chunk in bytes: small enough to read a window of a stream without much waste, large enough
// that 32 MiB of output are some hundred rows. The schema has the same limit.
const chunkSize = 64 << 10

// AppendLog stores bytes of a stream that begin at offset, and returns the end of what is stored. Bytes that are stored
// already are skipped, so an append may be repeated; a gap is a Conflict that comes with the stored end, from where the
// sender goes on. Bytes behind the end of a final stream reopen it: a step that was repeated has more to say.
func (db *Store) AppendLog(ctx context.Context, stream string, offset int64, data []byte, final bool,
) (committed int64, err error) {
	const attempts = 3
	for range attempts {
		err = db.pool.QueryRow(ctx, appendSQL, stream, offset, data, len(data), final, chunkSize).Scan(&committed, nil)
		if !pg.IsCode(err, "23514") { // check_violation: no partition of relation found for row
			break
		}
		if err := db.addLogDays(ctx); err != nil {
			return 0, err
		}
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return db.refuseAppend(ctx, stream, offset)
	}
	return committed, pg.Translate("storing log bytes", err)
}

// appendSQL claims the bytes by moving the stream's end, cuts them into chunks and announces the new end, in one round
// trip. A stream begins with an append at 0.
const appendSQL = `
	WITH stream AS (
		INSERT INTO log_streams AS s (name, end_offset, final)
		SELECT $1, $4, $5 WHERE $2 = 0 OR EXISTS (SELECT FROM log_streams WHERE name = $1)
		ON CONFLICT (name) DO UPDATE SET previous_offset = s.end_offset, end_offset = greatest(s.end_offset, $2 + $4),
			final = CASE WHEN s.end_offset < $2 + $4 THEN $5 ELSE s.final OR $5 END, updated_at = now()
		WHERE s.end_offset >= $2
		RETURNING previous_offset, end_offset
	), chunk AS (
		INSERT INTO log_chunks (day, stream, start_offset, data)
		SELECT (now() AT TIME ZONE 'utc')::date, $1, at,
			substr($3::bytea, (at - $2 + 1)::integer, least($6, end_offset - at)::integer)
		FROM stream, generate_series(previous_offset, end_offset - 1, $6) at
	)
	SELECT end_offset, sdp_notify('log/' || $1::text, $1, '', end_offset) FROM stream`

func (db *Store) refuseAppend(ctx context.Context, stream string, offset int64) (committed int64, err error) {
	committed, _, err = db.LogLength(ctx, stream)
	if err != nil {
		return 0, err
	}
	return committed, sdp.Errorf(sdp.Conflict, "log-gap", "log %s has %d bytes and was sent byte %d", stream, committed, offset)
}

// addLogDays makes the partitions of today and tomorrow, so that a day's first chunk seldom has to wait for its own.
func (db *Store) addLogDays(ctx context.Context) error {
	return db.pool.InTx(ctx, "making room for today's logs", func(tx pgx.Tx) error {
		var today time.Time
		err := tx.QueryRow(ctx, `SELECT (now() AT TIME ZONE 'utc')::date FROM pg_advisory_xact_lock($1)`, logDayLock).
			Scan(&today)
		if err != nil {
			return err
		}
		for _, day := range []time.Time{today, today.AddDate(0, 0, 1)} {
			_, err := tx.Exec(ctx, fmt.Sprintf(`CREATE TABLE IF NOT EXISTS %s PARTITION OF log_chunks
				FOR VALUES FROM ('%s') TO ('%s')`, pgx.Identifier{logTable(day)}.Sanitize(), day.Format(time.DateOnly),
				day.AddDate(0, 0, 1).Format(time.DateOnly)))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// logDayLock is the advisory lock under which partitions come and go. See migrationLock.
const logDayLock = 7_305_2003

const logTablePrefix = "log_chunks_"

func logTable(day time.Time) string { return logTablePrefix + day.Format("20060102") }

// LogLength returns how many bytes a stream has, and whether it is final. A stream nobody has written to yet is empty.
func (db *Store) LogLength(ctx context.Context, stream string) (end int64, final bool, err error) {
	return logLength(ctx, db.pool, stream)
}

func logLength(ctx context.Context, q pg.Querier, stream string) (end int64, final bool, err error) {
	err = q.QueryRow(ctx, `SELECT end_offset, final FROM log_streams WHERE name = $1`, stream).Scan(&end, &final)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return end, final, pg.Translate("reading log "+stream, err)
}

// ReadLog returns up to limit bytes of a stream from offset on, the offset behind them, and whether the stream is final
// and ends there. Bytes whose day was dropped are skipped: data always begins at end - len(data). A stream nobody has
// written to yet is empty.
func (db *Store) ReadLog(ctx context.Context, stream string, offset int64, limit int,
) (data []byte, end int64, final bool, err error) {
	err = db.pool.InTxWith(ctx, pg.Snapshot, "reading log "+stream, func(tx pgx.Tx) error {
		data, end, final, err = readLog(ctx, tx, stream, offset, limit)
		return err
	})
	return data, end, final, err
}

func readLog(ctx context.Context, q pg.Querier, stream string, offset int64, limit int) ([]byte, int64, bool, error) {
	length, final, err := logLength(ctx, q, stream)
	if err != nil || offset >= length || limit <= 0 {
		return nil, offset, final && offset >= length, err
	}
	chunks, err := logChunks(ctx, q, stream, offset, limit)
	if err == nil && len(chunks) == 0 {
		// The day of these bytes was dropped: go on with the first that are left.
		err = q.QueryRow(ctx, `SELECT coalesce(min(start_offset), $3) FROM log_chunks WHERE stream = $1 AND start_offset > $2`,
			stream, offset, length).Scan(&offset)
		if err == nil && offset < length {
			chunks, err = logChunks(ctx, q, stream, offset, limit)
		}
	}
	if err != nil {
		return nil, offset, false, err
	}
	data, end := window(chunks, offset, limit)
	return data, end, final && end == length, nil
}

type logChunk struct {
	Start int64  `db:"start_offset"`
	Data  []byte `db:"data"`
}

// logChunks returns the chunks that overlap limit bytes from offset on. No chunk is longer than chunkSize, which bounds
// where the first may begin.
func logChunks(ctx context.Context, q pg.Querier, stream string, offset int64, limit int) ([]logChunk, error) {
	return pg.Query(ctx, q, "reading log "+stream, pgx.RowToStructByName[logChunk], `SELECT start_offset, data FROM log_chunks
		WHERE stream = $1 AND start_offset > $2::bigint - $3 AND start_offset < $2::bigint + $4
			AND start_offset + length(data) > $2::bigint ORDER BY start_offset`, stream, offset, chunkSize, limit)
}

// window joins the chunks, from offset on, up to limit bytes or to the first gap.
func window(chunks []logChunk, offset int64, limit int) (data []byte, end int64) {
	end = offset
	for _, c := range chunks {
		if len(data) == 0 && c.Start > end {
			end = c.Start
		}
		if c.Start > end {
			break
		}
		piece := c.Data[end-c.Start:]
		if room := limit - len(data); len(piece) > room {
			piece = piece[:room]
		}
		data = append(data, piece...)
		end += int64(len(piece))
	}
	return data, end
}

// DropLogsBefore forgets the log bytes stored on days (UTC) that ended by t, and the final streams not written to since. A stream
// that is not final may go on, where it was, after any silence.
func (db *Store) DropLogsBefore(ctx context.Context, t time.Time) error {
	oldest := t.UTC().Truncate(24 * time.Hour) // the first day that is kept
	return db.pool.InTx(ctx, "dropping old logs", func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, logDayLock); err != nil {
			return err
		}
		names, err := pg.Query(ctx, tx, "listing log days", pgx.RowTo[string], `SELECT c.relname::text FROM pg_inherits i
			JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'log_chunks'::regclass AND c.relname < $1`,
			logTable(oldest))
		if err != nil {
			return err
		}
		for _, name := range names {
			if _, err := tx.Exec(ctx, `DROP TABLE `+pgx.Identifier{name}.Sanitize()); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `DELETE FROM log_streams WHERE final AND updated_at < $1`, oldest)
		return err
	})
}
