package role

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

// A server that runs while a newer one migrates the database ends and says why, with Temporal or without.
func TestServerEndsOnceItsDatabaseIsNewer(t *testing.T) {
	url, keys := postgrestest.URL(t), t.TempDir()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := ln.Addr().String()
	must(t, ln.Close())
	c, err := loadServerConfig(writeConfig(t, fmt.Sprintf(`listen: %q
database: {url: %q}
temporal: {address: "127.0.0.1:1"}
keys: {master: %q, codec: %q}
login: {repository: account}
`, address, url, filepath.Join(keys, "master"), filepath.Join(keys, "codec"))))
	must(t, err)
	ended := make(chan error, 1)
	go func() { ended <- runServer(t.Context(), c) }()
	for answers := false; !answers; {
		select {
		case err := <-ended:
			t.Fatal("the server has ended: ", err)
		default:
		}
		res, err := http.Get("http://" + address + "/healthz")
		answers = err == nil && errors.Join(res.Body.Close()) == nil
	}
	db, err := pgx.Connect(t.Context(), url)
	must(t, err)
	defer db.Close(t.Context())
	_, err = db.Exec(t.Context(), `INSERT INTO schema_migrations (version, name) VALUES (9999, 'of the future')`)
	must(t, err)
	select {
	case err := <-ended:
		if e := sdp.AsError(err); err == nil || e.Code != "database-newer" || e.Remedy == "" {
			t.Errorf("the server ended with %v", err)
		}
	case <-time.After(time.Minute):
		t.Error("the server goes on")
	}
}
