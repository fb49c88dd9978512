package router

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// startGRPC starts a real gRPC server with the standard health service.
func startGRPC(t *testing.T) (address string, h *health.Server) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, h := grpc.NewServer(), health.NewServer()
	healthpb.RegisterHealthServer(s, h)
	go s.Serve(ln)
	t.Cleanup(s.Stop)
	return ln.Addr().String(), h
}

// checkGRPC does a unary call, one that fails (its status is in trailers only) and a stream.
func checkGRPC(t *testing.T, port int, h *health.Server) {
	t.Helper()
	conn, err := grpc.NewClient("127.0.0.1:"+strconv.Itoa(port), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	client := healthpb.NewHealthClient(conn)
	h.SetServingStatus("", healthpb.HealthCheckResponse_SERVING)
	if res, err := client.Check(t.Context(), &healthpb.HealthCheckRequest{}); err != nil || res.Status != 1 {
		t.Fatalf("Check = %v, %v", res, err)
	}
	_, err = client.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "unknown"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("Check of an unknown service = %v, want NotFound", err)
	}
	stream, err := client.Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []healthpb.HealthCheckResponse_ServingStatus{1, 2, 1, 2} {
		h.SetServingStatus("", want)
		if res, err := stream.Recv(); err != nil || res.Status != want {
			t.Fatalf("Recv = %v, %v, want %v", res, err, want)
		}
	}
}

func TestGRPC(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	address, h := startGRPC(t)
	n.apply(tableOf(1, port, container("gateway", address, sha1)))
	checkGRPC(t, port, h)
}

// trailing answers with a body and two trailers, one of them announced, and takes part in a conversation.
var trailing = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Trailer", "X-Announced")
	io.WriteString(w, r.Proto)
	w.Header().Set("X-Announced", "1")
	w.Header().Set(http.TrailerPrefix+"X-Sudden", "2")
})

func TestTrailers(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	n.apply(tableOf(1, port, container("gateway", backend(t, trailing), sha1)))
	for proto, c := range map[string]*http.Client{"HTTP/1.1": newClient(t, ""), "HTTP/2.0": h2cClient(t)} {
		res, err := c.Get(at(port, "/"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || string(body) != proto {
			t.Errorf("over %s the target saw %q, %v", proto, body, err)
		}
		if res.Trailer.Get("X-Announced") != "1" || res.Trailer.Get("X-Sudden") != "2" {
			t.Errorf("%s trailers are %v", proto, res.Trailer)
		}
	}
}

func TestHTTP2ClientReachesHTTP1Target(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	old := &http.Server{Handler: trailing}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go old.Serve(ln)
	defer old.Close()
	n.apply(tableOf(1, port, container("gateway", ln.Addr().String(), sha1)))
	get(t, h2cClient(t), at(port, "/")).want(t, 200, "HTTP/1.1")
}

// TestSecureTargets: over TLS, too, what comes as HTTP/2 goes on as HTTP/2 if the target speaks it, and WebSockets work.
func TestSecureTargets(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	handler := http.NewServeMux()
	handler.Handle("/", trailing)
	handler.Handle("/ws", newGeneration(1))
	version := int64(0)
	for _, target := range []string{"HTTP/1.1", "HTTP/2.0"} {
		secure := httptest.NewUnstartedServer(handler)
		secure.EnableHTTP2 = target == "HTTP/2.0"
		secure.TLS = &tls.Config{Certificates: []tls.Certificate{trusted}}
		secure.StartTLS()
		defer secure.Close()
		version++
		n.apply(tableOf(version, port, wire.ServiceRoute{Service: "gateway", Source: sdp.SourceURL, URL: secure.URL}))
		get(t, newClient(t, ""), at(port, "/")).want(t, 200, "HTTP/1.1")
		get(t, h2cClient(t), at(port, "/")).want(t, 200, target)
		ws := dialWebSocket(t, at(port, "/ws"))
		ws.echo(t, "1 hello")
		ws.Close(websocket.StatusNormalClosure, "")
	}
}

// TestConversation sends and receives in turns within one request, over HTTP/2 and HTTP/1.1.
func TestConversation(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	talk := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rc := http.NewResponseController(w)
		rc.EnableFullDuplex()
		rc.Flush()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			fmt.Fprintln(w, "got", lines.Text())
			rc.Flush()
		}
	})
	n.apply(tableOf(1, port, container("gateway", backend(t, talk), sha1)))
	for _, c := range []*http.Client{newClient(t, ""), h2cClient(t)} {
		r, w := io.Pipe()
		res, err := c.Post(at(port, "/"), "text/plain", r)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewReader(res.Body)
		for _, word := range []string{"one", "two", "three"} {
			fmt.Fprintln(w, word)
			if line, err := lines.ReadString('\n'); err != nil || line != "got "+word+"\n" {
				t.Fatalf("got %q, %v", line, err)
			}
		}
		w.Close()
		if rest, err := io.ReadAll(lines); len(rest) > 0 || err != nil {
			t.Errorf("at the end came %q, %v", rest, err)
		}
		res.Body.Close()
	}
}

// TestEventsArriveAtOnce: neither a header without a body yet nor an event may wait for what comes next.
func TestEventsArriveAtOnce(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	step := make(chan struct{})
	events := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		http.NewResponseController(w).Flush()
		for range step {
			io.WriteString(w, "data: x\n\n")
			http.NewResponseController(w).Flush()
		}
	})
	n.apply(tableOf(1, port, container("gateway", backend(t, events), sha1)))
	res, err := newClient(t, "").Get(at(port, "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for range 3 {
		step <- struct{}{}
		event := make([]byte, len("data: x\n\n"))
		if _, err := io.ReadFull(res.Body, event); err != nil || string(event) != "data: x\n\n" {
			t.Fatalf("event is %q, %v", event, err)
		}
	}
	close(step)
}

// TestClientLeaving: the target must learn of it, or it works for nobody.
func TestClientLeaving(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	arrived, left := make(chan struct{}), make(chan struct{})
	patient := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		arrived <- struct{}{}
		<-r.Context().Done()
		left <- struct{}{}
	})
	n.apply(tableOf(1, port, container("gateway", backend(t, patient), sha1)))
	for _, body := range []string{"", "x"} {
		conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		<-arrived
		conn.Close()
		<-left
	}
	if stats, err := n.Stats(t.Context()); err != nil || stats[0].Errors != 0 {
		t.Errorf("stats = %+v, %v: a client that leaves is not an error of the target", stats, err)
	}
}

// TestHalfClose: protocols other than WebSocket may say that they have nothing more to send and go on listening.
func TestHalfClose(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	counting := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: count\r\n\r\n")
		all, _ := io.ReadAll(rw)
		fmt.Fprintf(conn, "%d bytes", len(all))
	})
	n.apply(tableOf(1, port, container("gateway", backend(t, counting), sha1)))
	conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: count\r\n\r\n")
	answers := bufio.NewReader(conn)
	if res, err := http.ReadResponse(answers, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %v, %v", res, err)
	}
	io.WriteString(conn, "12345")
	conn.(*net.TCPConn).CloseWrite()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if all, err := io.ReadAll(answers); err != nil || string(all) != "5 bytes" {
		t.Errorf("got %q, %v", all, err)
	}
}

// TestLargeBodies: more than any buffer, both ways at once.
func TestLargeBodies(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	mirror := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.Copy(w, r.Body)
	})
	n.apply(tableOf(1, port, container("gateway", backend(t, mirror), sha1)))
	sent := strings.Repeat("0123456789abcdef", 1<<16)
	for _, c := range []*http.Client{newClient(t, ""), h2cClient(t)} {
		if a := ask(t, c, "PUT", at(port, "/"), strings.NewReader(sent)); a.body != sent {
			t.Errorf("%d bytes came back of %d", len(a.body), len(sent))
		}
	}
}
