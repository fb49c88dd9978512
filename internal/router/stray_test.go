package router

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// rawTarget speaks HTTP/1.1 by hand: to /odd it gives the answer it was told to, to all else the number of the connection
// the request came over.
type rawTarget struct {
	address string
	odd     string        // response to /odd
	last    chan net.Conn // the connection below the one that last answered /odd
	closed  chan int      // number of each connection the router closed
}

func startRaw(t *testing.T, cfg *tls.Config, odd string) *rawTarget {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	target := &rawTarget{address: ln.Addr().String(), odd: odd, last: make(chan net.Conn, 100), closed: make(chan int, 100)}
	go func() {
		for number := 1; ; number++ {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			above := conn
			if cfg != nil {
				above = tls.Server(conn, cfg)
			}
			go target.serve(conn, above, number)
		}
	}()
	return target
}

func (t *rawTarget) serve(below, conn net.Conn, number int) {
	defer conn.Close()
	requests := bufio.NewReader(conn)
	for {
		req, err := http.ReadRequest(requests)
		if err != nil {
			t.closed <- number
			return
		}
		io.Copy(io.Discard, req.Body)
		if req.URL.Path == "/odd" {
			io.WriteString(conn, t.odd)
			t.last <- conn
			continue
		}
		body := fmt.Sprintf("connection %d", number)
		fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	}
}

const strayResponse = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray"

// stray sends a whole response nobody asked for over the connection that last answered /odd, and returns once it has
// arrived, or the router has closed the connection.
func (t *rawTarget) stray() {
	conn := <-t.last
	if _, err := io.WriteString(conn, strayResponse); err != nil {
		return
	}
	below := conn
	if secure, ok := conn.(*tls.Conn); ok {
		below = secure.NetConn()
	}
	raw, err := below.(*net.TCPConn).SyscallConn()
	if err != nil {
		return
	}
	for left := 1; left > 0; {
		if raw.Control(func(fd uintptr) { left, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ) }) != nil || err != nil {
			return
		}
	}
}

// way is how requests get from a client to a target.
type way struct {
	name   string
	secure bool
	client func(*testing.T) *http.Client
	body   string
}

func http1(t *testing.T) *http.Client { return newClient(t, "") }

// ways are all those on which the router speaks HTTP/1.1 to a target.
var ways = []way{
	{"plain", false, http1, ""},
	{"with a body", false, http1, "body"},
	{"from HTTP/2", false, h2cClient, ""},
	{"TLS", true, http1, ""},
	{"TLS from HTTP/2", true, h2cClient, ""},
}

// routed starts a router with a sandbox whose only service is the target, and returns how to ask it.
func (w way) routed(t *testing.T, target *rawTarget) func(method, path string) answer {
	n, port, c := startNode(t, Config{}), freePort(t), w.client(t)
	route := container("account", target.address, sha1)
	if w.secure {
		route = wire.ServiceRoute{Service: "account", Source: sdp.SourceURL, URL: "https://" + target.address}
	}
	n.apply(tableOf(1, port, route))
	return w.asks(t, c, port)
}

func (w way) asks(t *testing.T, c *http.Client, port int) func(method, path string) answer {
	return func(method, path string) answer {
		t.Helper()
		var body io.Reader
		if w.body != "" {
			body = strings.NewReader(w.body)
		}
		return ask(t, c, method, at(port, path), body)
	}
}

func (w way) tls() *tls.Config {
	if !w.secure {
		return nil
	}
	return &tls.Config{Certificates: []tls.Certificate{trusted}, NextProtos: []string{"http/1.1"}}
}

// TestConnectionsAfterAnAnswer: an answer that has no body whatever its header says ends its connection, because a server
// that sends a body all the same may do so at any time. All others leave it for the next request.
func TestConnectionsAfterAnAnswer(t *testing.T) {
	for _, c := range []struct {
		method, answer string
		reused         bool
	}{
		{"HEAD", "200 OK\r\nContent-Length: 45\r\n\r\n", false},
		{"HEAD", "404 Not Found\r\nContent-Length: 0\r\n\r\n", false},
		{"DELETE", "204 No Content\r\n\r\n", false},
		{"GET", "204 No Content\r\nContent-Length: 45\r\n\r\n", false},
		{"GET", "304 Not Modified\r\nContent-Length: 45\r\n\r\n", false},
		{"GET", "204 No Content\r\n\r\n" + strayResponse, false},
		{"GET", "200 OK\r\nContent-Length: 2\r\n\r\nok" + strayResponse, false},
		{"GET", "200 OK\r\nContent-Length: 2\r\n\r\nok", true},
		{"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true},
		{"GET", "302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", true},
		{"GET", "103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
	} {
		for _, w := range ways {
			t.Run(w.name+" "+c.method+" "+c.answer, func(t *testing.T) {
				asks := w.routed(t, startRaw(t, w.tls(), "HTTP/1.1 "+c.answer))
				first := asks("GET", "/").want(t, 200, "connection").body
				asks(c.method, "/odd")
				next := asks("GET", "/").want(t, 200, "connection").body
				if (next == first) != c.reused {
					t.Errorf("%s came before %s %q, %s after it", first, c.method, c.answer, next)
				}
			})
		}
	}
}

// TestStrayResponse: what a target sends after its answer is nobody's.
func TestStrayResponse(t *testing.T) {
	for _, c := range []struct{ method, answer string }{
		{"HEAD", "200 OK\r\nContent-Length: 45\r\n\r\n"},
		{"GET", "204 No Content\r\n\r\n"},
		{"GET", "304 Not Modified\r\nContent-Length: 45\r\n\r\n"},
		{"GET", "200 OK\r\nContent-Length: 2\r\n\r\nok"},
		{"GET", "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
		{"GET", "302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"},
	} {
		for _, w := range ways {
			t.Run(w.name+" "+c.method+" "+c.answer, func(t *testing.T) {
				target := startRaw(t, w.tls(), "HTTP/1.1 "+c.answer)
				asks := w.routed(t, target)
				asks(c.method, "/odd")
				target.stray()
				asks("GET", "/").want(t, 200, "connection")
			})
		}
	}
}

// TestStrayResponseOverTheMesh: the connection between two routers is not shifted by what a target sends.
func TestStrayResponseOverTheMesh(t *testing.T) {
	for _, w := range ways[:3] {
		for _, c := range []struct{ method, answer string }{
			{"HEAD", "200 OK\r\nContent-Length: 45\r\n\r\n"},
			{"GET", "204 No Content\r\nContent-Length: 45\r\n\r\n"},
			{"GET", "304 Not Modified\r\nContent-Length: 45\r\n\r\n"},
			{"GET", "204 No Content\r\n\r\n" + strayResponse},
			{"GET", "200 OK\r\nContent-Length: 2\r\n\r\nok" + strayResponse},
			{"GET", "200 OK\r\nContent-Length: 2\r\n\r\nok"},
		} {
			t.Run(w.name+" "+c.method+" "+c.answer, func(t *testing.T) {
				g1, m1 := twoNodes(t)
				port, target := freePort(t), startRaw(t, nil, "HTTP/1.1 "+c.answer)
				table := onGateway(g1, tableOf(1, port, on(m1, container("account", target.address, sha1))))
				m1.apply(table)
				g1.apply(table)
				asks := w.asks(t, w.client(t), port)
				asks(c.method, "/odd")
				target.stray()
				asks("GET", "/").want(t, 200, "connection")
			})
		}
	}
}

// TestSandboxesShareNoConnection: whatever a target does to a connection, it is not another sandbox's.
func TestSandboxesShareNoConnection(t *testing.T) {
	for _, w := range ways {
		t.Run(w.name, func(t *testing.T) {
			n, target := startNode(t, Config{}), startRaw(t, w.tls(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			var asks []func(method, path string) answer
			for _, name := range []string{"x", "y"} {
				port, scheme := freePort(t), map[bool]string{true: "https://", false: "http://"}[w.secure]
				table := tableOf(1, port, wire.ServiceRoute{Service: "account", Source: sdp.SourceURL, URL: scheme + target.address})
				table.Sandbox = name
				n.apply(table)
				asks = append(asks, w.asks(t, w.client(t), port))
			}
			of := func(i int) string { return asks[i]("GET", "/").want(t, 200, "connection").body }
			x, y := of(0), of(1)
			if again := of(0); x == y || again != x || of(1) != y {
				t.Errorf("x uses %s and %s, y %s", x, again, y)
			}
			if err := n.Remove(t.Context(), "x"); err != nil {
				t.Fatal(err)
			}
			for "connection "+strconv.Itoa(<-target.closed) != x { // those that asked for HTTP/2 are closed too
			}
			if again := of(1); again != y {
				t.Errorf("once x is gone, y uses %s after %s", again, y)
			}
		})
	}
}
