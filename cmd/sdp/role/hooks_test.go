package role

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/devstack"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// `sdp up` goes on without a node that was removed, and has it again with the token that somebody gave it since.
func TestStartWithANodeThatWasRemoved(t *testing.T) {
	db := postgrestest.Open(t, postgrestest.URL(t))
	stack := devstack.Stack{Data: t.TempDir(), MasterKey: filepath.Join(t.TempDir(), "master.key")}
	must(t, db.RegisterNode(t.Context(), sdp.NodeRegistration{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "127.0.0.1",
		PublicKey: []byte("k")}}))
	must(t, os.Mkdir(filepath.Dir(stack.TokenFile("micro-1")), 0o700))
	token := func(has string) string {
		t.Helper()
		given, err := nodeToken(stack.MasterKey, "micro-1", has)
		must(t, err)
		must(t, os.WriteFile(stack.TokenFile("micro-1"), []byte(given+"\n"), 0o600))
		return given
	}
	first := token("")
	at := time.Now()
	_, err := db.RemoveNode(t.Context(), "micro-1", "ann", at, func(sdp.NodeWork) error { return nil })
	must(t, err)
	_, removed := db.Node(t.Context(), "micro-1")

	if again := token(first); again != first {
		t.Errorf("its token became %q", again)
	}
	out, err := removedNode(t.Context(), db, stack, "micro-1", removed)
	if err != nil || !strings.Contains(out, "was removed by ann") || !strings.Contains(out, "sdp node token micro-1") {
		t.Errorf("it is out because %q, %v", out, err)
	}
	keys, err := secret.LoadKeyring(stack.MasterKey)
	must(t, err)
	later := keys.NodeToken("micro-1", at.Add(time.Second))
	if kept := token(later); kept != later {
		t.Errorf("the token it was given became %q", kept)
	}
	if out, err := removedNode(t.Context(), db, stack, "micro-1", removed); out != "" || err == nil {
		t.Errorf("with a token of now it is out because %q, %v", out, err)
	}
	if other := token("sdpn_of-another-installation"); other != first {
		t.Errorf("a token that is not its own became %q", other)
	}
}
