package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/clitest"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

// TestALineForEachChange: what the first look finds has been told where it is what was accepted.
func TestALineForEachChange(t *testing.T) {
	queued := rest.Operation{ID: "o-aaaaaaaaaa", Kind: sdp.OpTouch, Sandbox: "demo", State: sdp.OpQueued, CreatedAt: clitest.Now}
	looks := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, queued.ID) {
			http.NotFound(w, r)
			return
		}
		now := queued
		if looks++; looks > 1 {
			now.State, now.FinishedAt = sdp.OpSucceeded, clitest.Now
		}
		_ = json.NewEncoder(w).Encode(now)
	}))
	t.Cleanup(server.Close)
	c, err := apiclient.New(server.URL, "")
	if err != nil {
		t.Fatal(err)
	}
	s, out := clitest.Screen()
	s.Format = screen.NDJSON
	if _, err := (&App{Screen: s}).FollowOperation(t.Context(), c, queued); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "\n") != 2 || strings.Count(got, "QUEUED") != 1 {
		t.Errorf("got\n%s", got)
	}
}
