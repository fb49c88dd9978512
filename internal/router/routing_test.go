package router

import (
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// echo answers with the request as it arrived.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header().Set("X-SDP-Route", "forged=sandbox@000000000000")
	w.Header().Set("X-SDP-Sandbox", "forged")
	json.NewEncoder(w).Encode(seen{r.Method, r.RequestURI, r.Host, r.Proto, r.Header, string(body)})
})

type seen struct {
	Method, URI, Host, Proto string
	Header                   http.Header
	Body                     string
}

func (a answer) seen(t *testing.T) seen {
	t.Helper()
	var s seen
	if err := json.Unmarshal([]byte(a.body), &s); err != nil {
		t.Fatalf("answer %d %q: %v", a.status, a.body, err)
	}
	return s
}

func TestGatewayAnswersAtPublicPort(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	n.apply(tableOf(1, port, container("gateway", backend(t, echo), sha1)))
	for _, c := range []*http.Client{newClient(t, ""), h2cClient(t)} {
		for _, body := range []string{"", "hello"} {
			a := ask(t, c, "POST", at(port, "/a%2Fb//c?q=1;2&r"), strings.NewReader(body), "Host", "shop.example")
			a.want(t, 200, "").wantHeader(t, "X-SDP-Sandbox", "x").wantHeader(t, "X-SDP-Route", "gateway=sandbox@111111111111")
			s := a.seen(t)
			if s.URI != "/a%2Fb//c?q=1;2&r" || s.Host != "shop.example" || s.Body != body || s.Method != "POST" {
				t.Errorf("container saw %+v", s)
			}
			for key, want := range map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "shop.example",
				"X-Forwarded-Proto": "http", "X-Forwarded-Prefix": ""} {
				if got := s.Header.Get(key); got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
		}
	}
}

func TestSpoofedHeadersAreStripped(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	n.apply(tableOf(1, port, container("gateway", backend(t, echo), sha1)))
	spoofed := []string{"X-Sdp-Mesh-Token", "X-Sdp-Mesh-Sandbox", "X-Sdp-Sandbox", "X-Sdp-Route", "X-Forwarded-Host",
		"X-Forwarded-Proto", "X-Forwarded-Prefix", "Forwarded", "Proxy-Authorization", "X_SDP_MESH_TOKEN", "x_forwarded_for",
		"Secret-Hop"}
	headers := []string{"Connection", "Secret-Hop", "X-Forwarded-For", "6.6.6.6", "X-Kept", "yes"}
	for _, key := range spoofed {
		headers = append(headers, key, "spoofed")
	}
	for _, body := range []io.Reader{nil, strings.NewReader("x")} {
		a := ask(t, newClient(t, ""), "POST", at(port, "/"), body, headers...)
		a.wantHeader(t, "X-SDP-Route", "gateway=sandbox@111111111111").wantHeader(t, "X-SDP-Sandbox", "x")
		s := a.seen(t)
		if s.Header.Get("X-Kept") != "yes" || s.Header.Get("X-Forwarded-For") != "127.0.0.1" {
			t.Errorf("container saw %v", s.Header)
		}
		for key, values := range s.Header {
			if slices.Contains(values, "spoofed") {
				t.Errorf("container saw spoofed %s", key)
			}
		}
	}
}

func TestPathPrefixWithoutGateway(t *testing.T) {
	n, port, c := startNode(t, Config{}), freePort(t), newClient(t, "")
	table := tableOf(1, port, container("account", backend(t, echo), sha1))
	table.Gateway = ""
	n.apply(table)
	for path, want := range map[string]string{"/account": "/", "/account/": "/", "/account/a%2Fb?x=1": "/a%2Fb?x=1"} {
		a := get(t, c, at(port, path)).wantHeader(t, "X-SDP-Route", "account=sandbox@111111111111")
		if s := a.seen(t); s.URI != want || s.Header.Get("X-Forwarded-Prefix") != "/account" {
			t.Errorf("%s arrived as %s, %v", path, s.URI, s.Header)
		}
	}
	get(t, c, at(port, "/")).want(t, 404, "/account/").wantHeader(t, "X-SDP-Sandbox", "x")
	get(t, c, at(port, "/accounts/")).want(t, 404, "unknown-service")
}

func TestNobodyServes(t *testing.T) {
	n, port, c := startNode(t, Config{}), freePort(t), newClient(t, "")
	waiting := wire.ServiceRoute{Service: "account", Source: sdp.SourceSandbox, Reason: "account is being deployed"}
	bad := wire.ServiceRoute{Service: "broken", Source: sdp.SourceURL, URL: "ftp://x\x7f"}
	none := wire.ServiceRoute{Service: "none", Source: sdp.SourceOCP}
	gone := container("gone", "127.0.0.1:"+strconv.Itoa(freePort(t)), sha1)
	table := tableOf(1, port, waiting, bad, none, gone, container("fine", backend(t, says("fine")), sha2))
	table.Gateway = ""
	n.apply(table)
	a := get(t, c, at(port, "/account/")).want(t, 503, "account is being deployed").wantHeader(t, "X-SDP-Route", "account=none")
	var p map[string]any
	if err := json.Unmarshal([]byte(a.body), &p); err != nil || p["status"] != 503.0 || p["code"] != "not-serving" {
		t.Errorf("problem is %v, %v", p, err)
	}
	a.wantHeader(t, "Content-Type", "application/problem+json")
	get(t, c, at(port, "/broken/")).want(t, 503, "not an absolute http").wantHeader(t, "X-SDP-Route", "broken=none")
	get(t, c, at(port, "/none/")).want(t, 503, "does not provide none")
	get(t, c, at(port, "/gone/")).want(t, 502, "refused").wantHeader(t, "X-SDP-Route", "gone=sandbox@111111111111")
	ask(t, c, "POST", at(port, "/gone/"), strings.NewReader("x")).want(t, 502, "target-unreachable")
	get(t, c, at(port, "/fine/")).want(t, 200, "fine")
	table.Version, table.State = 2, sdp.Suspended
	n.apply(table)
	get(t, c, at(port, "/fine/")).want(t, 503, "suspended")
}

func TestOutsideTargets(t *testing.T) {
	n, port, c := startNode(t, Config{}), freePort(t), newClient(t, "")
	ocp := backend(t, echo)
	table := tableOf(1, port, wire.ServiceRoute{Service: "account", Source: sdp.SourceOCP, URL: "http://" + ocp + "/api/?k=v"})
	n.apply(table)
	for _, body := range []string{"", "x"} {
		a := ask(t, c, "POST", at(port, "/a%2Fb?q=1"), strings.NewReader(body), "Host", "shop.example")
		s := a.wantHeader(t, "X-SDP-Route", "account=ocp").seen(t)
		if s.URI != "/api/a%2Fb?k=v&q=1" || s.Host != ocp || s.Header.Get("X-Forwarded-Host") != "shop.example" {
			t.Errorf("OCP saw %+v", s)
		}
	}
	secure := httptest.NewTLSServer(echo)
	defer secure.Close()
	table.Version, table.Services[0].Source, table.Services[0].URL = 2, sdp.SourceURL, secure.URL
	n.apply(table)
	get(t, c, at(port, "/")).want(t, 502, "certificate").wantHeader(t, "X-SDP-Route", "account=url")
}

func TestURLRouteLoopEnds(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	n.apply(tableOf(1, port, wire.ServiceRoute{Service: "account", Source: sdp.SourceURL, URL: at(port, "/")}))
	get(t, newClient(t, ""), at(port, "/")).want(t, 508, "routing-loop")
}

func TestInsideTheSandbox(t *testing.T) {
	n, net1 := startNode(t, Config{}), newSubnet()
	servicePort := freePort(t)
	table := tableOf(1, 0, container("account", backend(t, echo), sha1),
		wire.ServiceRoute{Service: "user", Port: servicePort, Source: sdp.SourceOCP, URL: "http://" + backend(t, says("ocp"))})
	table.Services[0].Port = servicePort
	if err := n.SetNetwork(t.Context(), "x", net1.network()); err != nil { // before the table: both orders must do
		t.Fatal(err)
	}
	n.apply(table)
	c, url := newClient(t, net1.ip(9)), "http://"+net.JoinHostPort(net1.ip(1), strconv.Itoa(servicePort))+"/p"
	s := get(t, c, url, "Host", "account:8080", "X-Forwarded-For", "9.9.9.9", "X-Forwarded-Proto", "https").seen(t)
	if s.Host != "account:8080" || s.Header.Get("X-Forwarded-For") != "9.9.9.9, "+net1.ip(9) ||
		s.Header.Get("X-Forwarded-Proto") != "https" {
		t.Errorf("container saw %+v", s)
	}
	get(t, c, url, "Host", "USER.").want(t, 200, "ocp").wantHeader(t, "X-SDP-Route", "user=ocp")
	get(t, c, url, "Host", "sandbox-x-account").want(t, 200, "").wantHeader(t, "X-SDP-Route", "account=sandbox@111111111111")
	get(t, c, url, "Host", "sandbox-x-user").want(t, 503, "its route is ocp").wantHeader(t, "X-SDP-Route", "user=none")
	get(t, c, url, "Host", "nobody").want(t, 404, "unknown-service")
	get(t, newClient(t, "127.0.0.1"), url, "Host", "account").want(t, 403, "foreign-source")
	if err := n.RemoveNetwork(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	c.CloseIdleConnections()
	if _, err := tryAsk(c, "GET", url, nil); err == nil {
		t.Error("the router still listens on a removed network")
	}
}

func TestRouteSwitchIsLive(t *testing.T) {
	n, port, c := startNode(t, Config{}), freePort(t), newClient(t, "")
	n.apply(tableOf(1, port, container("account", backend(t, says("branch")), sha1)))
	get(t, c, at(port, "/")).want(t, 200, "branch")
	ocp := wire.ServiceRoute{Service: "account", Source: sdp.SourceOCP, URL: "http://" + backend(t, says("shared"))}
	n.apply(tableOf(2, port, ocp))
	get(t, c, at(port, "/")).want(t, 200, "shared")
	wantCode(t, n.Apply(t.Context(), tableOf(1, port, ocp)), "stale-table")
	get(t, c, at(port, "/")).want(t, 200, "shared")
	n.apply(tableOf(2, port, ocp))
	if err := n.Remove(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	c.CloseIdleConnections()
	if _, err := tryAsk(c, "GET", at(port, "/"), nil); err == nil {
		t.Error("the port of a removed sandbox still answers")
	}
	n.apply(tableOf(1, port, ocp)) // a sandbox of the same name begins anew
	if err := n.Remove(t.Context(), "unknown"); err != nil {
		t.Error(err)
	}
}

func TestServerWideOptions(t *testing.T) {
	n, port := startNode(t, Config{}), freePort(t)
	n.apply(tableOf(1, port, container("gateway", backend(t, says("")), sha1)))
	conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for request, want := range map[string]string{"OPTIONS *": "X-SDP-Route: gateway=sandbox", "CONNECT x:1": "405 Method"} {
		io.WriteString(conn, request+" HTTP/1.1\r\nHost: x:1\r\n\r\n")
		answer := make([]byte, 4096)
		length, err := conn.Read(answer)
		if err != nil || !strings.Contains(string(answer[:length]), want) {
			t.Errorf("%s got %q, %v", request, answer[:length], err)
		}
	}
}

func TestTableNames(t *testing.T) {
	table := &table{RoutingTable: wire.RoutingTable{Sandbox: "x"}, routes: map[string]*route{"a": nil, "sandbox-x-a": nil}}
	got := map[string]string{}
	for _, host := range []string{"a", "a:80", "A.:80", "sandbox-x-b", "sandbox-x-a", "[::1]:80", ""} {
		service, direct := table.named(host)
		got[host] = service + map[bool]string{true: "!"}[direct]
	}
	want := map[string]string{"a": "a", "a:80": "a", "A.:80": "a", "sandbox-x-b": "b!", "sandbox-x-a": "sandbox-x-a",
		"[::1]:80": "[::1]", "": ""}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
