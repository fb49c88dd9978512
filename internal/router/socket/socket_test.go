package socket

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// fake is a router that has one table and refuses all others.
type fake struct {
	Router
	drained wire.DrainRequest
}

func (f *fake) Tables() []wire.RoutingTable { return []wire.RoutingTable{{Sandbox: "x", Version: 3}} }

func (f *fake) Apply(t wire.RoutingTable) error {
	return sdp.Errorf(sdp.Conflict, "stale-table", "version %d is old", t.Version).WithRemedy("send the current table")
}

func (f *fake) Drain(_ context.Context, deployment string, timeout time.Duration) (int, error) {
	f.drained = wire.DrainRequest{Deployment: deployment, Timeout: timeout}
	return 2, nil
}

// shortPath is one a socket may have.
func shortPath(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rs")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, Name)
}

func TestSocket(t *testing.T) {
	path, router := shortPath(t), &fake{}
	s, err := Listen(path, router)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := NewClient(path)
	defer c.Close()
	if tables, err := c.Tables(t.Context()); err != nil || len(tables) != 1 || tables[0].Version != 3 {
		t.Errorf("Tables = %v, %v", tables, err)
	}
	if cut, err := c.Drain(t.Context(), "d-1", time.Second); err != nil || cut != 2 || router.drained.Deployment != "d-1" || router.drained.Timeout != time.Second {
		t.Errorf("Drain = %d, %v of %+v", cut, err, router.drained)
	}
	e := sdp.AsError(c.Apply(t.Context(), wire.RoutingTable{Sandbox: "x", Version: 2}))
	if e.Kind != sdp.Conflict || e.Code != "stale-table" || e.Remedy != "send the current table" {
		t.Errorf("Apply = %+v", e)
	}
}

// TestNewerSide: neither side guesses what a newer one means.
func TestNewerSide(t *testing.T) {
	path := shortPath(t)
	s, err := Listen(path, &fake{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c := NewClient(path)
	defer c.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://router/tables", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(wire.RouterAPIHeader, "2")
	res, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := decodeFailure(res); sdp.AsError(err).Code != "newer-format" || sdp.AsError(err).Remedy == "" {
		t.Errorf("a newer worker is told %v", err)
	}

	path = shortPath(t)
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	newer := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(wire.RouterAPIHeader, "2")
		w.Write([]byte(`[{"sandbox":"x"}]`)) //nolint:errcheck // the test fails without it
	})}
	go newer.Serve(ln)
	defer newer.Close()
	theirs := NewClient(path)
	defer theirs.Close()
	if tables, err := theirs.Tables(t.Context()); err == nil || sdp.AsError(err).Code != "newer-format" {
		t.Errorf("a newer router is understood as %v, %v", tables, err)
	}
}
