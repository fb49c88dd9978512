package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"time"
)

// startTarget starts a server that answers with the request as it arrived, and says when somebody connects.
func startTarget(t *testing.T) (url string, connected chan net.Conn) {
	t.Helper()
	connected = make(chan net.Conn, 100)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("X-A"), body)
	}))
	s.Config.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connected <- c
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	return s.URL, connected
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, content)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Body = NewBody(req.Body)
	}
	req.Header.Set("X-A", "a")
	return req
}

func answer(t *testing.T, by http.RoundTripper, req *http.Request) string {
	t.Helper()
	res, err := by.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", req.Method, req.URL, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// TestPlain: the transport of plain requests stands on its own, uses connections again, and replaces those that the target
// has closed.
func TestPlain(t *testing.T) {
	url, connected := startTarget(t)
	pool := NewPools(nil).Container(strings.TrimPrefix(url, "http://"), Owner{})
	plain := &pool.plain
	for _, method := range []string{"GET", "POST", "DELETE"} {
		req := request(t, method, url+"/p?q=1", "")
		if !IsPlain(req) {
			t.Errorf("%s without a body is not plain", method)
		}
		if got := answer(t, plain, req); got != method+" /p?q=1 a " {
			t.Errorf("%s arrived as %q", method, got)
		}
	}
	req := request(t, "GET", url+"/p", "")
	req.RequestURI = "/as%2Fspelled//?"
	if got := answer(t, plain, req); got != "GET /as%2Fspelled//? a " {
		t.Errorf("RequestURI arrived as %q", got)
	}
	first := <-connected
	if len(connected) != 0 {
		t.Error("the connection was not used again")
	}
	first.Close()
	if got := answer(t, plain, request(t, "GET", url, "")); got != "GET / a " {
		t.Errorf("after the target closed the connection: %q", got)
	}
	<-connected
	if IsPlain(request(t, "PUT", url, "body")) || IsPlain(request(t, "GET", "https://x/", "")) {
		t.Error("a body, or TLS, is taken for plain")
	}
	if got := answer(t, pool, request(t, "PUT", url+"/b", "body")); got != "PUT /b a body" {
		t.Errorf("with a body: %q", got)
	}
}

// TestBodyIsTakenAway: whoever has the body last decides whether it is still whole.
func TestBodyIsTakenAway(t *testing.T) {
	var none *Body
	if !none.GiveUp() || !none.Whole() {
		t.Error("no body is not whole")
	}
	req := request(t, "PUT", "http://x/", "content")
	first := req.Body.(*Body)
	second, ok := again(req)
	if !ok {
		t.Fatal("a body nobody has read cannot be sent again")
	}
	if _, err := io.ReadAll(first); !errors.Is(err, errBodyClosed) {
		t.Errorf("the first reader got %v", err)
	}
	if content, err := io.ReadAll(second.Body); string(content) != "content" || err != nil {
		t.Errorf("the second reader got %q, %v", content, err)
	}
	if !first.Whole() || first.GiveUp() {
		t.Error("the body was read to its end, and counts as unread")
	}
	if _, ok := again(req); ok {
		t.Error("a body that is gone is sent once more")
	}
}

// TestLeave: dials under way to where a container no longer is are given up, later ones are not begun.
func TestLeave(t *testing.T) {
	pools := NewPools(nil)
	nowhere := silence(t)
	pool := pools.Container(nowhere, Owner{Deployment: "d-1"})
	dials := make(chan struct{}, 10)
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{ConnectStart: func(string, string) { dials <- struct{}{} }})
	ended := make(chan error, 1)
	go func() {
		_, err := pool.RoundTrip(request(t, "GET", "http://"+nowhere, "").WithContext(ctx)) //nolint:bodyclose // there is none
		ended <- err
	}()
	select {
	case <-dials:
	case err := <-ended:
		t.Fatalf("ended before it was dialled: %v", err)
	}
	pools.Leave("d-1", nowhere)
	if len(ended) > 0 {
		t.Error("leaving all but this address ended the dial")
	}
	pools.Leave("d-1", "")
	var op *net.OpError
	if err := <-ended; !errors.As(err, &op) || op.Op != "dial" {
		t.Errorf("error is %v", err)
	}
	if _, err := pool.RoundTrip(request(t, "GET", "http://"+nowhere, "")); err == nil { //nolint:bodyclose // there is none
		t.Error("the pool still dials")
	}
}

// TestDrain waits for what is under way, cuts it in the end, and opens nothing more then.
func TestDrain(t *testing.T) {
	pools := NewPools(nil)
	pool := pools.Container("127.0.0.1:1", Owner{Deployment: "d-1"})
	pool.Acquire()
	drained := make(chan int, 1)
	go func() {
		cut, err := pool.Drain(t.Context(), time.Minute)
		if err != nil {
			t.Error(err)
		}
		drained <- cut
	}()
	pool.Release()
	if cut := <-drained; cut != 0 {
		t.Errorf("cut %d", cut)
	}
	pool.Acquire()
	pools.Sweep()
	if cut, err := pool.Drain(t.Context(), 0); cut != 1 || err != nil {
		t.Errorf("Drain = %d, %v", cut, err)
	}
	if _, err := pool.connect(t.Context(), "127.0.0.1:1"); !errors.Is(err, errCut) {
		t.Errorf("a drained pool connects: %v", err)
	}
	if pool.InFlight() != 1 || len(pools.Of("d-1")) != 1 {
		t.Error("a pool with something in flight is forgotten")
	}
	pool.Release()
	pools.Sweep()
	if len(pools.Of("d-1")) != 0 {
		t.Error("a pool that nobody uses is remembered")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	pool.Acquire()
	if _, err := pool.Drain(ctx, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// silence returns an address at which no connection is ever accepted or refused: the kernel's queue for it is full.
func silence(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	bind := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	name, err := syscall.Getsockname(fd)
	if err := errors.Join(bind, syscall.Listen(fd, 0), err); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprint("127.0.0.1:", name.(*syscall.SockaddrInet4).Port)
	for {
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
}
