package postgres

import (
	"context"

	"sdp/internal/sdp"
)

// Environment returns a live environment with its newest version.
func (db *DB) Environment(ctx context.Context, name string) (sdp.Environment, error) {
	return sdp.Environment{}, sdp.Errorf(sdp.Internal, "not-built", "environments are not built yet")
}

// EnvironmentVersion returns one version of a live environment; 0 = the newest.
func (db *DB) EnvironmentVersion(ctx context.Context, name string, version int) (sdp.EnvironmentVersion, error) {
	return sdp.EnvironmentVersion{}, sdp.Errorf(sdp.Internal, "not-built", "environments are not built yet")
}

// EnvironmentLayer returns one version of a live environment as it is stored, and which version it is; 0 = the newest.
func (db *DB) EnvironmentLayer(ctx context.Context, name string, version int) (sdp.SealedLayer, []sdp.SealedFile, int, error) {
	return sdp.SealedLayer{}, nil, 0, sdp.Errorf(sdp.Internal, "not-built", "environments are not built yet")
}
