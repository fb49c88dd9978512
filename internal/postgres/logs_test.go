package postgres_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

func TestAppendLogSkipsWhatItHasAndRefusesGaps(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	for _, c := range []struct {
		offset    int64
		data      string
		final     bool
		committed int64
		code      string
	}{
		{offset: 5, data: "x", committed: 0, code: "log-gap"}, // nothing is there yet
		{offset: 0, data: "hello ", committed: 6},
		{offset: 0, data: "hello ", committed: 6},    // repeated
		{offset: 3, data: "lo world", committed: 11}, // overlaps
		{offset: 2, data: "llo", committed: 11},      // inside
		{offset: 12, data: "!", committed: 11, code: "log-gap"},
		{offset: 11, data: "", committed: 11},
		{offset: 11, data: "!\n", final: true, committed: 13},
		{offset: 11, data: "!\n", final: true, committed: 13},
		{offset: 13, data: "more", committed: 17}, // reopens it
		{offset: 13, data: "more", final: true, committed: 17},
		{offset: 17, data: "", final: true, committed: 17},
	} {
		committed, err := db.AppendLog(t.Context(), "s", c.offset, []byte(c.data), c.final)
		if c.code != "" {
			wantCode(t, err, sdp.Conflict, c.code)
		} else {
			must(t, err)
		}
		equal(t, fmt.Sprintf("end after %q at %d", c.data, c.offset), committed, c.committed)
	}
	wantLog(t, db, "s", 0, 100, "hello world!\nmore", 17, true)
	wantLog(t, db, "s", 4, 3, "o w", 7, false)
	wantLog(t, db, "s", 17, 10, "", 17, true)
	wantLog(t, db, "unknown", 0, 10, "", 0, false)
	end, final, err := db.LogLength(t.Context(), "s")
	must(t, err)
	equal(t, "length", end, 17)
	equal(t, "final", final, true)
}

func wantLog(t *testing.T, db *postgres.DB, stream string, offset int64, max int, want string, wantEnd int64, wantFinal bool) {
	t.Helper()
	data, end, final, err := db.ReadLog(t.Context(), stream, offset, max)
	must(t, err)
	equal(t, "log", string(data), want)
	equal(t, "end", end, wantEnd)
	equal(t, "final", final, wantFinal)
}

func TestEmptyFinalLog(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	got(db.AppendLog(t.Context(), "s", 0, nil, true))(t)
	wantLog(t, db, "s", 0, 10, "", 0, true)
}

func TestLargeAppendIsReadInWindows(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	var want []byte
	for i := range 40_000 {
		want = fmt.Appendf(want, "line %d\n", i)
	}
	half := len(want) / 2
	got(db.AppendLog(t.Context(), "s", 0, want[:half+1000], false))(t)
	got(db.AppendLog(t.Context(), "s", int64(half), want[half:], true))(t)
	var read []byte
	for offset, final := int64(0), false; !final; {
		var data []byte
		var err error
		data, offset, final, err = db.ReadLog(t.Context(), "s", offset, 30_011)
		must(t, err)
		if len(data) == 0 || len(data) > 30_011 {
			t.Fatalf("read %d bytes", len(data))
		}
		read = append(read, data...)
	}
	if !bytes.Equal(read, want) {
		t.Fatalf("read %d bytes that are not the %d written", len(read), len(want))
	}
}

// Several senders of one stream happen when a shipper gives up on an answer and sends again on a new connection.
func TestAppendsAtOnceNeitherLoseNorDouble(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	want := bytes.Repeat([]byte("0123456789abcdef\n"), 600)
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		wg.Go(func() { errs[i] = ship(t, db, want, 101+37*i) })
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	wantLog(t, db, "s", 0, len(want)+1, string(want), int64(len(want)), true)
}

// ship sends a log in pieces and goes on from where the database says it is.
func ship(t *testing.T, db *postgres.DB, data []byte, piece int) error {
	offset := int64(0)
	for {
		end := min(int(offset)+piece, len(data))
		committed, err := db.AppendLog(t.Context(), "s", offset, data[offset:end], end == len(data))
		if err != nil && sdp.KindOf(err) != sdp.Conflict {
			return err
		}
		if offset = committed; offset == int64(len(data)) {
			return nil
		}
	}
}

func TestDropLogsBefore(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	got(db.AppendLog(t.Context(), "old", 0, []byte("old"), true))(t)
	got(db.AppendLog(t.Context(), "long", 0, []byte("yesterday "), false))(t)
	// What was written so far becomes three days old.
	sql(t, url, `CREATE TABLE log_chunks_20200101 PARTITION OF log_chunks FOR VALUES FROM ('2020-01-01') TO ('2020-01-02')`,
		`UPDATE log_chunks SET day = '2020-01-01'`, `UPDATE log_streams SET updated_at = '2020-01-01'`)
	got(db.AppendLog(t.Context(), "long", 10, []byte("today"), false))(t)
	wantLog(t, db, "long", 0, 100, "yesterday today", 15, false)

	must(t, db.DropLogsBefore(t.Context(), time.Date(2020, 1, 1, 23, 0, 0, 0, time.UTC)))
	wantLog(t, db, "old", 0, 100, "old", 3, true) // that day has not ended
	must(t, db.DropLogsBefore(t.Context(), time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)))
	must(t, db.DropLogsBefore(t.Context(), time.Date(2020, 1, 2, 0, 0, 0, 0, time.UTC)))
	wantLog(t, db, "old", 0, 100, "", 0, false)
	wantLog(t, db, "long", 0, 100, "today", 15, false) // begins at end - len(data)
	got(db.AppendLog(t.Context(), "long", 15, []byte("!"), true))(t)
	wantLog(t, db, "long", 15, 100, "!", 16, true)
}
