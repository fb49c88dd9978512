package logs_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"sync"
	"testing"
	"time"

	"sdp/internal/logs"
)

// server is the server's side of the protocol, in memory: it appends by offset, skips what it has, and answers a gap
// with 409 and its own offset.
type server struct {
	*httptest.Server
	t testing.TB

	mu      sync.Mutex
	streams map[string]*received
	changed chan struct{}                                                        // closed when anything arrives
	disturb func(w http.ResponseWriter, stream string, offset int64) (done bool) // nil = no disturbance
}

type received struct {
	data  []byte
	final bool
}

func newServer(t testing.TB) *server {
	s := &server{t: t, streams: map[string]*received{}, changed: make(chan struct{})}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// target returns the server as a shipper's target.
func (s *server) target() logs.Target {
	return logs.Target{URL: s.URL, Node: "micro-1", Token: func() string { return "tok" }}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // cut off
	}
	stream := path.Base(r.URL.Path)
	offset, err := strconv.ParseInt(r.FormValue("offset"), 10, 64)
	if err != nil || r.Method != "POST" || r.URL.Path != "/node/v1/micro-1/logs/"+stream {
		s.t.Errorf("%s %s", r.Method, r.URL)
	}
	if r.Header.Get("Authorization") != "Bearer tok" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.disturb != nil && s.disturb(w, stream, offset) {
		return
	}
	st := s.streams[stream]
	if st == nil {
		st = &received{}
		s.streams[stream] = st
	}
	status := http.StatusConflict
	if have := int64(len(st.data)); offset <= have {
		status = http.StatusOK
		st.data = append(st.data, body[min(have-offset, int64(len(body))):]...)
		st.final = r.FormValue("final") == "true"
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]int{"offset": len(st.data)})
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait waits until what arrived satisfies ok.
func (s *server) wait(stream string, ok func(data string, final bool) bool) {
	s.t.Helper()
	timeout := time.After(30 * time.Second)
	for {
		s.mu.Lock()
		data, final := "", false
		if st := s.streams[stream]; st != nil {
			data, final = string(st.data), st.final
		}
		changed := s.changed
		s.mu.Unlock()
		if ok(data, final) {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			s.t.Fatalf("%s has %d bytes after 30 s (final %v), ending %q", stream, len(data), final, data[max(0, len(data)-100):])
		}
	}
}

func (s *server) waitFinal(stream, want string) {
	s.t.Helper()
	s.wait(stream, func(_ string, final bool) bool { return final })
	s.mu.Lock()
	defer s.mu.Unlock()
	if got := string(s.streams[stream].data); got != want {
		s.t.Errorf("%s is %d bytes, want %d; %.80q, want %.80q", stream, len(got), len(want), got, want)
	}
}

func (s *server) set(disturb func(w http.ResponseWriter, stream string, offset int64) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disturb = disturb
}

// ship runs a shipper and returns what stops it.
func ship(t testing.TB, spool *logs.Spool, target logs.Target) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- logs.NewShipper(spool, target).Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

// reserve returns an address nobody listens at, for a server that is away.
func reserve(t testing.TB) string {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// startAt starts the server at address, too.
func (s *server) startAt(address string) {
	l, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	second := &httptest.Server{Listener: l, Config: &http.Server{Handler: s}}
	second.Start()
	s.t.Cleanup(second.Close)
}
