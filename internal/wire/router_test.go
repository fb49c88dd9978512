package wire_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

const sha = "1111111111111111111111111111111111111111"

// routerFormats is a value of each format of a router. testdata/router has the bytes that were written for it before the
// formats had names of their own; the state was written in one line.
func routerFormats() map[string]any {
	at := time.Date(2026, 11, 30, 5, 30, 0, 123456789, time.UTC)
	table := wire.RoutingTable{Sandbox: "shop", Version: 7, State: sdp.Active, GatewayNode: "gateway-1", PublicPort: 8080, Gateway: "gateway",
		Services: []wire.ServiceRoute{
			{Service: "gateway", Port: 80, Source: sdp.SourceSandbox, Target: &wire.Target{Node: "gateway-1",
				NodeAddress: "10.0.0.1:7711", Address: "10.213.0.2:80", SHA: sha, Deployment: "d-1"}},
			{Service: "account", Port: 8080, Source: sdp.SourceSandbox, Reason: "account is being deployed"},
			{Service: "rates", Port: 8081, Source: sdp.SourceURL, URL: "https://rates.test/v1"},
			{Service: "user", Port: 8082, Source: sdp.SourceOCP, URL: "http://ocp.test/user"},
		}}
	network := wire.Network{Gateway: "10.213.0.1", Subnet: "10.213.0.0/26"}
	targets := []wire.TargetState{{Deployment: "d-1", Address: "10.213.0.2:80"},
		{Deployment: "d-2", Down: "exited with code 7", Since: at, Next: "Docker starts it again"}}
	n := wire.RouterTraffic{Requests: 12, Errors: 2, InFlight: 1, P50: 3 * time.Millisecond, P95: 40 * time.Millisecond}
	return map[string]any{
		"state": wire.RouterState{Format: 1, Node: "gateway-1", Tokens: wire.MeshTokens{Current: "new", Previous: "old"},
			Tables: map[string]wire.RoutingTable{"shop": table}, Networks: map[string]wire.Network{"shop": network},
			Targets: map[string]wire.TargetState{"d-1": targets[0], "d-2": targets[1]}},
		"change": wire.RouterChange{Format: 2, Tokens: &wire.MeshTokens{Current: "new", Previous: "old"},
			Tables: map[string]*wire.RoutingTable{"shop": &table, "gone": nil}, Networks: map[string]*wire.Network{"shop": &network, "gone": nil},
			Targets: map[string]*wire.TargetState{"d-1": &targets[0], "d-3": nil}},
		"table": table, "network": network, "targets": targets, "mesh-token": wire.MeshToken{Token: "secret"},
		"drain-request": wire.DrainRequest{Deployment: "d-1", Timeout: 30 * time.Second}, "drain-reply": wire.DrainReply{Cut: 3},
		"failure": wire.RouterFailure{Kind: sdp.Conflict, Code: "stale-table", Detail: "it is older", Remedy: "send the current table"},
		"stats": []wire.RouterStats{{Sandbox: "shop", Since: at, LastActivity: at.Add(time.Minute), Entered: n, RouterTraffic: n,
			Services: map[string]wire.RouterServiceTraffic{"account": {RouterTraffic: n, Unanswered: "dial: refused",
				Down: "exited with code 7", Deployment: "d-2"}}}},
		"health": wire.RouterHealth{Node: "gateway-1", Instance: "i-1", StartedAt: at, MeshAddr: "10.0.0.1:7711", Sandboxes: 1,
			Problems: []string{"port held"}},
		"hops": []wire.Hop{{Node: "gateway-1", From: "client", Service: "gateway", Source: sdp.SourceSandbox, Target: "10.213.0.2:80",
			SHA: sha, Deployment: "d-1", Method: "GET", Path: "/", Status: 200, StartedAt: 1795930200000000, Duration: 2500, Inferred: true}},
	}
}

// TestRouterReadsYesterday: a worker, a router and a state file of the version before are understood, and so is what is
// written now by a reader that compares names without case, as that version does.
func TestRouterReadsYesterday(t *testing.T) {
	for name, want := range routerFormats() {
		raw, err := os.ReadFile(filepath.Join("testdata", "router", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		got := reflect.New(reflect.TypeOf(want))
		in := json.NewDecoder(bytes.NewReader(raw))
		in.DisallowUnknownFields() // a field that is no longer read is lost
		if err := in.Decode(got.Interface()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got := got.Elem().Interface(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s was read as\n%+v\nwant\n%+v", name, got, want)
		}
	}
}

// TestRouterNames: these bytes are the format. Who changes them raises a version and reads both.
func TestRouterNames(t *testing.T) {
	for name, want := range routerFormats() {
		raw, err := json.MarshalIndent(want, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		golden := filepath.Join("testdata", "router", "now", name+".json")
		if os.Getenv("SDP_WRITE_GOLDEN") != "" {
			if err := os.WriteFile(golden, append(raw, '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(golden)
		if err != nil || string(have) != string(raw)+"\n" {
			t.Errorf("%s is written as\n%s\nand not as %s says, %v", name, raw, golden, err)
		}
	}
}

func TestNewerRouterFormatsAreRefused(t *testing.T) {
	for what, err := range map[string]error{
		"table":  wire.RoutingTable{Sandbox: "x", Format: wire.RouteFormat + 1}.Check(),
		"state":  wire.CheckRouterState(wire.RouterStateFormat + 1),
		"socket": wire.CheckRouterAPI("2"),
	} {
		if err == nil || sdp.AsError(err).Code != "newer-format" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := wire.CheckRouterAPI("one"); err == nil {
		t.Error("a version that is not a number passes")
	}
	for _, fine := range []error{wire.RoutingTable{}.Check(), wire.RoutingTable{Format: wire.RouteFormat}.Check(), wire.CheckRouterAPI(""), wire.CheckRouterAPI("1")} {
		if fine != nil {
			t.Error(fine)
		}
	}
}

func TestSplitsAreChecked(t *testing.T) {
	split := func(format int, weights ...int) error {
		r := wire.ServiceRoute{Service: "account", Source: sdp.SourceSandbox}
		for _, w := range weights {
			r.Split = append(r.Split, wire.Share{Weight: w})
		}
		return wire.RoutingTable{Sandbox: "x", Format: format, Services: []wire.ServiceRoute{r}}.Check()
	}
	for want, err := range map[string]error{"bad-weight": split(2, 1, -1), "bad-table": split(1, 90, 10), "": split(2, 100, 0)} {
		if (want == "") != (err == nil) || err != nil && sdp.AsError(err).Code != want {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
	if split(2, 101) == nil || split(2, make([]int, wire.MaxShares+1)...) == nil {
		t.Error("a split beyond the bounds passes")
	}
}
