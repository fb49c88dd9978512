package postgres

import (
	"context"

	"sdp/internal/sdp"
)

// Settings returns by service what the containers of a live sandbox would get if they were started now: for every
// service that a configured repository provides.
func (db *DB) Settings(ctx context.Context, sandbox string) (map[string]sdp.Settings, error) {
	return nil, sdp.Errorf(sdp.Internal, "not-built", "settings are not built yet")
}
