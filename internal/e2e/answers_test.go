package e2e

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// answer is a response, read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

func get(url string) (answer, error) {
	resp, err := http.Get(url)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

// wantAnswer asks url and wants a status, texts in the body, and the route header to begin with route.
func wantAnswer(t *testing.T, url string, status int, route string, texts ...string) answer {
	t.Helper()
	a, err := get(url)
	if err != nil {
		t.Fatal(err)
	}
	if a.status != status || !strings.HasPrefix(a.header.Get("X-SDP-Route"), route) {
		t.Errorf("%s: status %d, route %q; want %d, %q\n%s", url, a.status, a.header.Get("X-SDP-Route"), status, route, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("%s: the answer lacks %q:\n%s", url, text, a.body)
		}
	}
	return a
}
