package node

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Whoever holds a sandbox's port may answer anything: it is not the sandbox that answers.
func TestTraceIsAnsweredByTheSandboxOnly(t *testing.T) {
	by := "other"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(wire.SandboxHeader, by)
	}))
	defer server.Close()
	in := wire.TraceInput{ID: "t-1", Sandbox: "box", Method: "GET", Path: "/", Port: server.Listener.Addr().(*net.TCPAddr).Port}
	if out, err := (&Routes{}).Trace(t.Context(), in); err == nil || sdp.AsError(err).Code != "port-held" {
		t.Errorf("got %+v, %v", out, err)
	}
	by = "box"
	if out, err := (&Routes{}).Trace(t.Context(), in); err != nil || out.Status != 200 {
		t.Errorf("got %+v, %v", out, err)
	}
}
