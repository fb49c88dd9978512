package router

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"sdp/internal/wire"
)

func (n *node) tell(targets ...wire.TargetState) {
	n.t.Helper()
	if err := n.SetTargets(n.t.Context(), targets); err != nil {
		n.t.Fatalf("SetTargets: %v", err)
	}
}

var crashed = wire.TargetState{Deployment: "d-1111", Down: "exited with code 7", Since: time.Now().Add(-2 * time.Second),
	Next: "Docker starts it again"}

// From the moment a container is down until it is known where it is again its service answers 503, whoever has its
// address meanwhile, and however often the router is started anew or given the table again.
func TestContainerDown(t *testing.T) {
	n, port, c := startNode(t, Config{DataDir: shortTempDir(t)}), freePort(t), newClient(t, "")
	address := backend(t, says("whoever is at the address"))
	n.apply(tableOf(1, port, container("gateway", address, sha1)))
	get(t, c, at(port, "/")).want(t, 200, "whoever")
	n.tell(crashed)
	down := func() {
		t.Helper()
		a := get(t, newClient(t, ""), at(port, "/")).want(t, 503, `"code":"container-down"`)
		a.wantHeader(t, "X-SDP-Route", "gateway=none")
		for _, part := range []string{"gateway exited with code 7, ", "s ago; Docker starts it again", "sdp logs x/gateway"} {
			a.want(t, 503, part)
		}
	}
	down()
	stats, err := n.Stats(t.Context())
	if s := stats[0].Services["gateway"]; err != nil || s.Down != crashed.Down || s.Deployment != crashed.Deployment {
		t.Errorf("stats %+v, %v", stats, err)
	}
	n.apply(tableOf(2, port, container("gateway", address, sha1)))
	down()
	n.stop()
	n = startNode(t, n.cfg)
	down()
	n.tell(wire.TargetState{Deployment: "d-1111", Address: backend(t, says("the same, elsewhere"))})
	get(t, c, at(port, "/")).want(t, 200, "elsewhere").wantHeader(t, "X-SDP-Route", "gateway=sandbox@111111111111")
	n.tell(crashed, wire.TargetState{Deployment: "d-2222", Address: "127.0.0.1:1"}) // of no table yet
	down()
	n.apply(tableOf(3, port, container("gateway", backend(t, says("next generation")), "3333"+sha1[4:])))
	get(t, c, at(port, "/")).want(t, 200, "next generation")
}

// An address is one container's. Whoever had it before is no longer there, and shares no connection with the new one.
func TestAddressOfAnotherContainer(t *testing.T) {
	n, port, c := startNode(t, Config{}), freePort(t), newClient(t, "")
	gen := newGeneration(1)
	address := backend(t, gen)
	n.apply(tableOf(1, port, container("gateway", address, sha1)))
	get(t, c, at(port, "/")).want(t, 200, "1")
	other := tableOf(1, freePort(t), container("gateway", address, sha2))
	other.Sandbox = "y"
	n.tell(wire.TargetState{Deployment: "d-2222", Address: address})
	get(t, c, at(port, "/")).want(t, 503, "another container has its address")
	n.apply(other)
	slow := startSlow(t, gen, at(other.PublicPort, "/slow"))
	if cut, err := n.Drain(t.Context(), "d-1111", 0); cut != 0 || err != nil {
		t.Errorf("draining the container that had the address cut %d, %v", cut, err)
	}
	close(gen.release)
	if body := <-slow; body != "1 done" {
		t.Errorf("slow request got %q", body)
	}
	n.tell(wire.TargetState{Deployment: "d-1111", Address: backend(t, says("moved"))})
	get(t, c, at(port, "/")).want(t, 200, "moved")
	n.tell(wire.TargetState{Deployment: "d-1111", Address: address})
	get(t, c, at(port, "/")).want(t, 200, "1")
	get(t, c, at(other.PublicPort, "/")).want(t, 503, "another container has its address")
}

// A request that waits for a connection to an address where nobody is any more does not wait on.
func TestDialToContainerThatIsDownEnds(t *testing.T) {
	for name, body := range map[string]string{"plain": "", "with a body": "hello"} {
		t.Run(name, func(t *testing.T) {
			n := startNode(t, Config{})
			n.apply(tableOf(1, 0, container("gateway", silence(t), sha1)))
			f := n.front()
			answered := make(chan answer, 1)
			go func() {
				var content io.Reader
				if body != "" {
					content = strings.NewReader(body)
				}
				a, err := tryAsk(newClient(t, ""), http.MethodPost, f.url, content)
				if err != nil {
					t.Error(err)
				}
				answered <- a
			}()
			<-f.dial
			n.tell(crashed)
			a := <-answered
			a.want(t, 503, "exited with code 7")
		})
	}
}

// silence returns an address at which no connection is ever accepted or refused.
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
	is := name.(*syscall.SockaddrInet4)
	address := netip.AddrPortFrom(netip.AddrFrom4(is.Addr), uint16(is.Port)).String()
	for { // until the kernel's queue is full
		conn, err := net.DialTimeout("tcp", address, 200*time.Millisecond)
		if err != nil {
			return address
		}
		t.Cleanup(func() { conn.Close() })
	}
}

func TestTargetsAreChecked(t *testing.T) {
	n := startNode(t, Config{})
	for _, bad := range []wire.TargetState{{}, {Deployment: "d1"}, {Address: "127.0.0.1:80"}, {Deployment: "d1", Address: "here"},
		{Deployment: "d1", Address: "127.0.0.1:80", Down: "exited"}} {
		wantCode(t, n.SetTargets(t.Context(), []wire.TargetState{bad}), "bad-target")
	}
}

// What no table names is forgotten after a while; what one names is not.
func TestTargetsAreForgotten(t *testing.T) {
	n := startNode(t, Config{})
	n.apply(tableOf(1, freePort(t), container("gateway", "127.0.0.1:1", sha1)))
	n.tell(crashed, wire.TargetState{Deployment: "d-2222", Address: "127.0.0.1:2"})
	n.router.mu.Lock()
	defer n.router.mu.Unlock()
	for range 2 {
		n.router.targets.forget(time.Now())
	}
	if len(n.router.targets.told) != 2 {
		t.Errorf("targets %+v", n.router.targets.told)
	}
	n.router.targets.forget(time.Now().Add(2 * keepUnnamed))
	if _, kept := n.router.targets.told["d-1111"]; !kept || len(n.router.targets.told) != 1 {
		t.Errorf("targets %+v", n.router.targets.told)
	}
}
