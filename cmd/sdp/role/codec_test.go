package role

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// What is beside the API waits for no body either: neither the codec endpoint nor the redirects of net/http.
func TestUnfinishedBodiesHoldNoConnection(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(nil)
	server.Config = httpServer(codecServer(t), 50*time.Millisecond)
	server.Start()
	t.Cleanup(server.Close)
	for request, status := range map[string]int{
		"POST /codec/decode": http.StatusUnauthorized, "OPTIONS /codec/decode": http.StatusNoContent,
		"POST //codec/decode": http.StatusTemporaryRedirect, "POST /api/v1/sandboxes": http.StatusTeapot,
	} {
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil { // fails instead of waiting for ever
			t.Fatal(err)
		}
		fmt.Fprint(conn, request+" HTTP/1.1\r\nHost: sdp.test\r\nContent-Length: 50\r\n\r\n{")
		in := bufio.NewReader(conn)
		response, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Errorf("%s: no answer: %v", request, err)
			continue
		}
		response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%s: %s, want %d", request, response.Status, status)
		}
		if _, err := io.Copy(io.Discard, in); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection is still there", request)
		}
	}
}
