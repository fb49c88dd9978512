package pg_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// What is Unavailable is tried again for as long as it takes; what is not would hold a workflow up for nothing.
func TestOnlyWhatPassesIsUnavailable(t *testing.T) {
	t.Parallel()
	for code, kind := range map[string]sdp.Kind{
		"08006": sdp.Unavailable, // connection_failure
		"25006": sdp.Unavailable, // read_only_sql_transaction
		"40001": sdp.Unavailable, // serialization_failure
		"40P01": sdp.Unavailable, // deadlock_detected
		"53100": sdp.Unavailable, // disk_full
		"53200": sdp.Unavailable, // out_of_memory
		"53300": sdp.Unavailable, // too_many_connections
		"55P03": sdp.Unavailable, // lock_not_available
		"57014": sdp.Unavailable, // query_canceled
		"57P01": sdp.Unavailable, // admin_shutdown
		"57P03": sdp.Unavailable, // cannot_connect_now
		"58030": sdp.Unavailable, // io_error
		"22012": sdp.Internal,    // division_by_zero
		"23514": sdp.Internal,    // check_violation
		"42601": sdp.Internal,    // syntax_error
		"42P01": sdp.Internal,    // undefined_table
		"XX000": sdp.Internal,    // internal_error
	} {
		if got := sdp.KindOf(pg.Translate("writing", &pgconn.PgError{Code: code})); got != kind {
			t.Errorf("%s is %s, want %s", code, got, kind)
		}
	}
}
