package worker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"

	"sdp/internal/sdp"
)

// What a node registers is what its configuration says, the defaults of its services' variables and limits included.
func TestRegistration(t *testing.T) {
	c, err := loadText(t, fmt.Sprintf(good, clone(t, "http://git.example.com/account.git")))
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.Instance = shortDir(t), sdp.NewID("t")
	c.Server.TokenFile = filepath.Join(c.Data, "token")
	if err := os.WriteFile(c.Server.TokenFile, []byte("token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := newAgent(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.spool.Close() })
	r := n.registration(t.Context())
	if want := (sdp.Limits{CPUs: 1, Memory: 512 << 20, PIDs: 512}); r.Node.Limits != want {
		t.Errorf("limits %+v, want %+v", r.Node.Limits, want)
	}
	account := r.Repositories[0]
	if account.Name != "account" || len(account.Variables) != 1 || account.Variables["LOG_LEVEL"] != "info" {
		t.Errorf("registered %+v", account)
	}
	if r.Node.PortFirst != 8080 || r.Node.PortLast != 8119 || len(r.Node.PublicKey) == 0 {
		t.Errorf("registered %+v", r.Node)
	}
}

// A router or a Docker daemon that hangs is reported, and does not silence its node.
func TestHeartbeatOutlastsWhatHangs(t *testing.T) {
	c, err := loadText(t, fmt.Sprintf(good, clone(t, "http://git.example.com/account.git")))
	if err != nil {
		t.Fatal(err)
	}
	c.Data, c.Instance = shortDir(t), sdp.NewID("t")
	c.Docker = "unix://" + filepath.Join(c.Data, "docker.sock")
	c.Server.TokenFile = filepath.Join(c.Data, "token")
	if err := os.WriteFile(c.Server.TokenFile, []byte("token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{c.RouterSocket(), filepath.Join(c.Data, "docker.sock")} {
		hanging, err := net.Listen("unix", path) // takes connections, and says nothing
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { hanging.Close() })
	}
	n, err := newAgent(t.Context(), c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.spool.Close() })
	ctx, done := context.WithTimeout(t.Context(), sdp.LivenessLimit)
	defer done()
	h := n.health(ctx)
	n.counted(ctx)
	if ctx.Err() != nil || h.RouterError != "no answer within 3s" || h.DockerError != h.RouterError {
		t.Errorf("%v, health %+v", ctx.Err(), h)
	}
}
