package router

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"sdp/internal/router/egress"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// onlyForThisMachine is a server nothing may reach by a route. It listens on all addresses, so that each form of address
// would reach it.
type onlyForThisMachine struct {
	port     string
	accepted chan net.Addr
}

func startLocal(t *testing.T) onlyForThisMachine {
	t.Helper()
	ln, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	l := onlyForThisMachine{strconv.Itoa(ln.Addr().(*net.TCPAddr).Port), make(chan net.Addr, 100)}
	s := &http.Server{Handler: says("for this machine only"), ConnState: func(c net.Conn, state http.ConnState) {
		if state == http.StateNew {
			l.accepted <- c.RemoteAddr()
		}
	}}
	go s.Serve(ln)
	t.Cleanup(func() { s.Close() })
	return l
}

// wantUntouched wants nobody to have connected. Connections are accepted in order, so it makes one and wants that to be
// the first.
func (l onlyForThisMachine) wantUntouched(t *testing.T, url string) {
	t.Helper()
	conn, err := net.Dial("tcp", "127.0.0.1:"+l.port)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	first := (<-l.accepted).(*net.TCPAddr)
	if own := conn.LocalAddr().(*net.TCPAddr); first.Port != own.Port {
		t.Errorf("%s reached the server", url)
		<-l.accepted
	}
}

// urlRoute is a table whose only service is routed to a URL.
func urlRoute(version int64, port int, source sdp.Source, url string) wire.RoutingTable {
	return tableOf(version, port, wire.ServiceRoute{Service: "account", Source: source, URL: url})
}

// ownAddress returns an address of this machine that others reach it at, or one of a bridge.
func ownAddress(t *testing.T) string {
	t.Helper()
	own, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range own {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Is4() && prefix.Addr().IsGlobalUnicast() {
			return prefix.Addr().String()
		}
	}
	t.Fatal("this machine has no address but loopback; Docker's bridge would be one")
	return ""
}

func TestRoutesDoNotLeadToThisMachine(t *testing.T) {
	n, port := startNode(t, Config{Routes: egress.Config{Allow: []string{}}}), freePort(t)
	local, version := startLocal(t), int64(0)
	for host, what := range map[string]string{
		"127.0.0.1": "a loopback address", "127.1.2.3": "a loopback address", "localhost": "a loopback address",
		"LOCALHOST": "a loopback address", "[::1]": "a loopback address", "[::ffff:127.0.0.1]": "a loopback address",
		"[::ffff:7f00:1]": "a loopback address", "0.0.0.0": "an unspecified address", "[::]": "an unspecified address",
		ownAddress(t): "an address of the node itself",
	} {
		for _, scheme := range []string{"http", "https"} {
			for _, source := range []sdp.Source{sdp.SourceURL, sdp.SourceOCP} {
				version++
				url := scheme + "://" + host + ":" + local.port + "/api"
				n.apply(urlRoute(version, port, source, url))
				for _, c := range []*http.Client{newClient(t, ""), h2cClient(t)} {
					for _, body := range []io.Reader{nil, strings.NewReader("body")} {
						a := ask(t, c, "POST", at(port, "/"), body).want(t, 502, "target-forbidden").want(t, 502, what)
						a.want(t, 502, "routes.allow").want(t, 502, ":"+local.port).wantHeader(t, "X-SDP-Route", "account="+string(source))
					}
				}
				local.wantUntouched(t, url)
			}
		}
	}
}

// Forms of an address that only some resolvers know: whatever becomes of them, nothing is reached.
func TestOddAddressesDoNotLeadToThisMachine(t *testing.T) {
	n, port, c := startNode(t, Config{Routes: egress.Config{Allow: []string{}}}), freePort(t), newClient(t, "")
	local, version := startLocal(t), int64(0)
	for _, host := range []string{"2130706433", "0x7f000001", "[::127.0.0.1]", ""} {
		version++
		url := "http://" + host + ":" + local.port + "/"
		n.apply(urlRoute(version, port, sdp.SourceURL, url))
		if a := get(t, c, at(port, "/")); a.status < 500 || strings.Contains(a.body, "for this machine only") {
			t.Errorf("%s answered %d %q", url, a.status, a.body)
		}
		local.wantUntouched(t, url)
	}
}

// TestForbiddenAddresses need no server: nothing is dialled.
func TestForbiddenAddresses(t *testing.T) {
	cfg := Config{Routes: egress.Config{Allow: []string{}, Networks: "10.213.8.0/21", Deny: []string{"10.213.0.0/16"},
		ControlPlane: []string{"192.0.2.10", "192.0.2.11"}}}
	n, port, c := startNode(t, cfg), freePort(t), newClient(t, "")
	version := int64(0)
	for host, what := range map[string]string{
		"169.254.169.254": "a link-local address", "[fe80::1]": "a link-local address", "[::ffff:169.254.169.254]": "a link-local address",
		"224.0.0.1": "a multicast address", "[ff02::1]": "a multicast address", "10.213.15.9": "the network of the node's sandboxes",
		"10.213.0.68:8080": "a network that routes are kept out of",
		"192.0.2.10:5432":  "the machine of the control plane", "192.0.2.11": "the machine of the control plane",
	} {
		version++
		n.apply(urlRoute(version, port, sdp.SourceURL, "http://"+host))
		get(t, c, at(port, "/")).want(t, 502, "target-forbidden").want(t, 502, what)
	}
}

// TestForbiddenTargetIsTold: the trace, the counters and the answer say why.
func TestForbiddenTargetIsTold(t *testing.T) {
	n, port := startNode(t, Config{Routes: egress.Config{Allow: []string{}}}), freePort(t)
	n.apply(urlRoute(1, port, sdp.SourceURL, "http://127.0.0.1:7233"))
	a := get(t, newClient(t, ""), at(port, "/x"), wire.TraceHeader, "t1")
	a.want(t, 502, "the route of account is not followed: it leads to a loopback address, which the configuration of node n1 does not allow").
		want(t, 502, "adds 127.0.0.1:7233 to `routes.allow`")
	hops, err := n.Hops(t.Context(), "t1")
	if err != nil || len(hops) != 1 || hops[0].Status != 502 || hops[0].Source != sdp.SourceURL || hops[0].Target != "http://127.0.0.1:7233" {
		t.Errorf("hops are %+v, %v", hops, err)
	}
	if why := statsOf(t, n).Services["account"].Unanswered; !strings.Contains(why, "loopback") {
		t.Errorf("unanswered is %q", why)
	}
}

func TestAllowedTargets(t *testing.T) {
	local := startLocal(t)
	for _, c := range []struct {
		allow, host string
		reached     bool
	}{
		{"127.0.0.1:" + local.port, "127.0.0.1", true},
		{"127.0.0.1:" + local.port, "127.0.0.2", false},
		{"127.0.0.1:" + local.port, "localhost", true},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.0/8", "127.9.9.9", true},
		{"::ffff:127.0.0.1", "127.0.0.1", true},
		{"[::1]:" + local.port, "[::1]", true},
		{"Localhost:" + local.port, "localhost", true},
		{"localhost:" + local.port, "LOCALHOST", true},
		{"localhost:" + local.port, "127.0.0.1", false},
		{"127.0.0.1:1", "127.0.0.1", false},
		{"10.0.0.0/8", "127.0.0.1", false},
	} {
		n, port := startNode(t, Config{Routes: egress.Config{Allow: []string{c.allow}}}), freePort(t)
		n.apply(urlRoute(1, port, sdp.SourceURL, "http://"+c.host+":"+local.port))
		for _, client := range []*http.Client{newClient(t, ""), h2cClient(t)} {
			a := get(t, client, at(port, "/"))
			if reached := a.body == "for this machine only"; reached != c.reached || !reached && !strings.Contains(a.body, "target-forbidden") {
				t.Errorf("%s with %s allowed: %d %q", c.host, c.allow, a.status, a.body)
			}
		}
	}
}

// TestRouteToAnotherSandbox: a public port of this node is open to everybody, so to routes as well.
func TestRouteToAnotherSandbox(t *testing.T) {
	n, theirs, ours, c := startNode(t, Config{Routes: egress.Config{Allow: []string{}}}), freePort(t), freePort(t), newClient(t, "")
	other := tableOf(1, theirs, container("account", backend(t, says("theirs")), sha1))
	other.Sandbox = "y"
	n.apply(other)
	n.apply(urlRoute(1, ours, sdp.SourceURL, at(theirs, "/")))
	get(t, c, at(ours, "/")).want(t, 200, "theirs")
	if err := n.Remove(t.Context(), "y"); err != nil {
		t.Fatal(err)
	}
	get(t, c, at(ours, "/")).want(t, 502, "target-forbidden")
}

func TestBadExceptionsAreRefused(t *testing.T) {
	for _, entry := range []string{"", "localhost", "http://127.0.0.1:80", "127.0.0.1:0", "127.0.0.1:http", ":80", "10.0.0.0/40", "a b:80"} {
		_, err := New(Config{Node: "n1", DataDir: t.TempDir(), Routes: egress.Config{Allow: []string{entry}}})
		wantCode(t, err, "bad-allow")
	}
}
