package router

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"sdp/internal/wire"
)

// twoNodes starts the routers of a gateway node g1 and a micro node m1, which know each other.
func twoNodes(t *testing.T) (g1, m1 *node) {
	t.Helper()
	g1 = startNode(t, Config{Node: "g1", MeshAddr: "127.0.0.1:0"})
	m1 = startNode(t, Config{Node: "m1", MeshAddr: "127.0.0.1:0"})
	for _, n := range []*node{g1, m1} {
		if err := n.SetMeshToken(t.Context(), "mesh-secret"); err != nil {
			t.Fatal(err)
		}
	}
	return g1, m1
}

// on moves a route's target to a node.
func on(n *node, r wire.ServiceRoute) wire.ServiceRoute {
	target := *r.Target
	target.Node, target.NodeAddress = n.cfg.Node, n.meshAddr()
	r.Target = &target
	return r
}

func onGateway(g1 *node, t wire.RoutingTable) wire.RoutingTable {
	t.GatewayNode = g1.cfg.Node
	return t
}

func TestMesh(t *testing.T) {
	g1, m1 := twoNodes(t)
	port := freePort(t)
	table := onGateway(g1, tableOf(1, port, on(m1, container("account", backend(t, echo), sha1))))
	g1.apply(table)
	c := newClient(t, "")
	get(t, c, at(port, "/")).want(t, 503, "node m1 has no routing table").wantHeader(t, "X-SDP-Route", "account=none")
	m1.apply(table)
	for _, c := range []*http.Client{c, h2cClient(t)} {
		for _, body := range []string{"", "body"} {
			a := ask(t, c, "POST", at(port, "/p?q"), strings.NewReader(body), "Host", "shop.example", "X-Sdp-Mesh-Hops", "9")
			a.want(t, 200, "").wantHeader(t, "X-SDP-Route", "account=sandbox@111111111111").wantHeader(t, "X-SDP-Sandbox", "x")
			s := a.seen(t)
			if s.Host != "shop.example" || s.URI != "/p?q" || s.Body != body || s.Header.Get("X-Forwarded-For") != "127.0.0.1" ||
				s.Header.Get("X-Forwarded-Host") != "shop.example" {
				t.Errorf("container saw %+v", s)
			}
			if strings.Contains(a.body, "Mesh") || strings.Contains(a.body, "mesh-secret") {
				t.Errorf("mesh headers reached the container: %s", a.body)
			}
		}
	}
}

func TestMeshCarriesEverything(t *testing.T) {
	g1, m1 := twoNodes(t)
	port := freePort(t)
	address, h := startGRPC(t)
	table := onGateway(g1, tableOf(1, port, on(m1, container("account", address, sha1))))
	m1.apply(table)
	g1.apply(table)
	checkGRPC(t, port, h)
	gen := newGeneration(1)
	table = onGateway(g1, tableOf(2, port, on(m1, container("account", backend(t, gen), sha2))))
	m1.apply(table)
	g1.apply(table)
	ws := dialWebSocket(t, at(port, "/ws"))
	ws.echo(t, "1 hello")
	drained := make(chan int, 1)
	go func() {
		cut, _ := m1.Drain(t.Context(), table.Services[0].Target.Deployment, time.Minute)
		drained <- cut
	}()
	ws.echo(t, "1 still there")
	ws.Close(websocket.StatusNormalClosure, "")
	if cut := <-drained; cut != 0 {
		t.Errorf("drain cut %d", cut)
	}
}

func TestMeshTokens(t *testing.T) {
	g1, m1 := twoNodes(t)
	port, c := freePort(t), newClient(t, "")
	table := onGateway(g1, tableOf(1, port, on(m1, container("account", backend(t, says("fine")), sha1))))
	g1.apply(table)
	m1.apply(table)
	mesh := "http://" + m1.meshAddr() + "/"
	headers := []string{"X-Sdp-Mesh-Sandbox", "x", "X-Sdp-Mesh-Service", "account"}
	get(t, c, mesh, headers...).want(t, 403, "mesh-token")
	get(t, c, mesh, append(headers, "X-Sdp-Mesh-Token", "guess")...).want(t, 403, "mesh-token")
	get(t, c, mesh, append(headers, "X-Sdp-Mesh-Token", "mesh-secret")...).want(t, 200, "fine")
	if err := m1.SetMeshToken(t.Context(), "second"); err != nil {
		t.Fatal(err)
	}
	get(t, c, at(port, "/")).want(t, 200, "fine") // g1 still sends the one before
	if err := m1.SetMeshToken(t.Context(), "third"); err != nil {
		t.Fatal(err)
	}
	a := get(t, c, at(port, "/")).want(t, 502, "node m1 refused this node's mesh token")
	if strings.Contains(a.body, "mesh-secret") || strings.Contains(a.body, "third") {
		t.Errorf("the answer holds a token: %s", a.body)
	}
	wantCode(t, m1.SetMeshToken(t.Context(), ""), "no-token")
}

// TestMeshLoopEnds: two nodes with contradicting tables, as may be for a moment.
func TestMeshLoopEnds(t *testing.T) {
	g1, m1 := twoNodes(t)
	port := freePort(t)
	address := backend(t, says("fine"))
	g1.apply(onGateway(g1, tableOf(1, port, on(m1, container("account", address, sha1)))))
	m1.apply(onGateway(g1, tableOf(1, port, on(g1, container("account", address, sha1)))))
	get(t, newClient(t, ""), at(port, "/")).want(t, 508, "routing-loop")
}

// TestStaleNodePassesOn: a node that has not heard of the move yet still gets the request to where the service is now.
func TestStaleNodePassesOn(t *testing.T) {
	g1, m1 := twoNodes(t)
	m2 := startNode(t, Config{Node: "m2", MeshAddr: "127.0.0.1:0"})
	if err := m2.SetMeshToken(t.Context(), "mesh-secret"); err != nil {
		t.Fatal(err)
	}
	port, c := freePort(t), newClient(t, "")
	g1.apply(onGateway(g1, tableOf(1, port, on(m1, container("account", backend(t, says("old")), sha1)))))
	moved := onGateway(g1, tableOf(2, port, on(m2, container("account", backend(t, says("new")), sha2))))
	m1.apply(moved)
	m2.apply(moved)
	get(t, c, at(port, "/")).want(t, 200, "new").wantHeader(t, "X-SDP-Route", "account=sandbox@222222222222")
	m1.stop()
	c.CloseIdleConnections()
	get(t, c, at(port, "/")).want(t, 502, "the router of node m1").wantHeader(t, "X-SDP-Route", "account=sandbox@111111111111")
}

// TestSamePortEverywhere: under `sdp up` one router has public ports on all addresses, and another listens for
// containers at the same port.
func TestSamePortEverywhere(t *testing.T) {
	g1 := startNode(t, Config{Node: "g1", PublicAddr: "0.0.0.0"})
	m1 := startNode(t, Config{Node: "m1"})
	port, net1, net2 := freePort(t), newSubnet(), newSubnet()
	inside := container("account", backend(t, says("inside")), sha1)
	inside.Port, inside.Target.Node = port, "m1"
	m1.apply(onGateway(g1, tableOf(1, 0, inside)))
	if err := m1.SetNetwork(t.Context(), "x", net1.network()); err != nil {
		t.Fatal(err)
	}
	outside := container("gateway", backend(t, says("outside")), sha1)
	outside.Port, outside.Target.Node = port, "g1"
	g1.apply(onGateway(g1, tableOf(1, port, outside)))
	if err := g1.SetNetwork(t.Context(), "x", net2.network()); err != nil {
		t.Fatal(err)
	}
	url := func(ip string) string { return "http://" + ip + ":" + strconv.Itoa(port) + "/" }
	for range 20 {
		get(t, newClient(t, net1.ip(5)), url(net1.ip(1)), "Host", "account").want(t, 200, "inside")
		get(t, newClient(t, net2.ip(5)), url(net2.ip(1)), "Host", "gateway").want(t, 200, "outside")
		get(t, newClient(t, net2.ip(5)), url(net2.ip(1)), "Host", "account").want(t, 404, "unknown-service")
		get(t, newClient(t, ""), at(port, "/")).want(t, 200, "outside")
	}
}
