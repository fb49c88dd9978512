package role

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"sdp/internal/secret"
	"sdp/worker"
)

func codecServer(t *testing.T) http.Handler {
	t.Helper()
	keys, err := secret.LoadKeyring(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	codec, err := secret.LoadCodecKeys(filepath.Join(t.TempDir(), "codec.keys"))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{keys: keys, config: serverConfig{Temporal: worker.TemporalConfig{UI: "http://127.0.0.1:8233/"}}}
	api := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	return s.withCodec(api, codec)
}

func TestCodecIsForTheTemporalUIAndForSignedInUsersOnly(t *testing.T) {
	h := codecServer(t)
	tests := []struct {
		method, path, origin string
		status               int
	}{
		{"OPTIONS", "/codec/decode", "http://127.0.0.1:8233", http.StatusNoContent},
		{"POST", "/codec/decode", "http://127.0.0.1:8233", http.StatusUnauthorized},
		{"POST", "/codec/decode", "", http.StatusUnauthorized},
		{"POST", "/codec/decode", "http://evil.example", http.StatusForbidden},
		{"POST", "/codec/encode", "http://127.0.0.1:8233", http.StatusTeapot}, // the API's 404 in real life
		{"GET", "/api/v1/nodes", "", http.StatusTeapot},
	}
	for _, tt := range tests {
		r := httptest.NewRequest(tt.method, tt.path, strings.NewReader("{}"))
		if tt.origin != "" {
			r.Header.Set("Origin", tt.origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%s %s from %q: %d, want %d", tt.method, tt.path, tt.origin, w.Code, tt.status)
		}
		if got := w.Header().Get("Access-Control-Allow-Origin"); got != "" && got != "http://127.0.0.1:8233" {
			t.Errorf("allows %s", got)
		}
	}
}
