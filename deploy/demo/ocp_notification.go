package demo

import (
	"encoding/json"
	"net/http"
)

// notificationHandler is the service only the shared environment has: somebody else's, with no repository here.
func notificationHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		replyJSON(w, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Served-By", "ocp")
		replyJSON(w, map[string]string{
			"service": "notification", "commit": "unknown", "environment": "ocp", "feature": "main",
		})
	})
	return mux
}

func replyJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // the client has gone; nobody is left to tell
}
