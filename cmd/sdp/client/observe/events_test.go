package observe

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sdp/api/rest"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func TestEventType(t *testing.T) {
	for text, want := range map[string]string{"": "", "deploy_failed": "DEPLOY_FAILED", "ROUTE_STARTED": "ROUTE_STARTED"} {
		if got, err := eventType(text); err != nil || got != want {
			t.Errorf("%s: got %q, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{"DEPLOY_FALED": "did you mean DEPLOY_FAILED", "NO_SUCH": "DEPLOY_COMPLETED"} {
		_, err := eventType(text)
		if e := sdp.AsError(err); !usage.Is(err) || !strings.Contains(e.Remedy, want) || len(e.Remedy) > 150 {
			t.Errorf("%s: %v, %s", text, err, e.Remedy)
		}
	}
}

// TestPastEvents are those after an event, or of the last day, and the newest of them.
func TestPastEvents(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	var cursor, since string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cursor, since = r.URL.Query().Get("cursor"), r.URL.Query().Get("since")
		_ = json.NewEncoder(w).Encode(rest.Page[rest.LifecycleEvent]{
			Items: []rest.LifecycleEvent{{Seq: 241, Type: "FETCH_STARTED"}, {Seq: 242, Type: "DEPLOY_FAILED"}},
		})
	}))
	t.Cleanup(server.Close)
	a, out := testVerbs()
	a.Server = server.URL
	if err := a.pastEvents(t.Context(), eventQuery{after: 240, limit: 1}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); cursor != "240" || since != "" || strings.Contains(got, "241") || !strings.Contains(got, "242") {
		t.Errorf("cursor %q, since %q:\n%s", cursor, since, got)
	}
	if err := a.pastEvents(t.Context(), eventQuery{after: -1}); err != nil || cursor != "" || since == "" {
		t.Errorf("%v: cursor %q, since %q", err, cursor, since)
	}
	if got := out.String(); !strings.Contains(got, "241") {
		t.Errorf("not all:\n%s", got)
	}
}
