package nodeapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"sdp/api/apiclient"
	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/control"
	"sdp/internal/postgres/nodestore"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func signedIn(t *testing.T, bed *apitest.Bed) *apiclient.Client {
	t.Helper()
	return must[*apiclient.Client](t)(apiclient.New(bed.URL, bed.Token()))
}

// must is for calls whose failure ends the test.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// createShop makes a sandbox with account on micro-1 and returns the deployment of that.
func createShop(t *testing.T, c *apiclient.Client) rest.Deployment {
	t.Helper()
	return must[rest.CreatedSandbox](t)(c.CreateSandbox(t.Context(), sdp.SandboxSpec{
		Name: "shop", Services: map[string]sdp.ServiceSpec{"account": {Branch: "main"}},
	})).Deployments[0]
}

func audited(t *testing.T, c *apiclient.Client, action string) []rest.AuditEvent {
	t.Helper()
	return must[[]rest.AuditEvent](t)(c.Audit(t.Context(), apiclient.AuditFilter{Action: action}))
}

// refuses fails unless what a node sends is answered with the status.
func refuses(t *testing.T, bed *apitest.Bed, node, path string, body any, status int) {
	t.Helper()
	if got, answer := bed.Node(node, "POST", path, body); got != status {
		t.Errorf("%s: %d %s", path, got, answer)
	}
}

func ship(t *testing.T, bed *apitest.Bed, stream string, offset int, data string, final bool) {
	t.Helper()
	path := fmt.Sprintf("logs/%s?offset=%d&final=%t", stream, offset, final)
	if status, answer := bed.Node("micro-1", "POST", path, []byte(data)); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
}

func TestAppendLog(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	d := createShop(t, me)
	stream := sdp.DeploymentStream(d.ID)
	ship(t, bed, stream, 0, "0123456789", false)
	ship(t, bed, stream, 5, "56789abc", false) // sent again after a lost answer
	if status, answer := bed.Node("micro-1", "POST", "logs/"+stream+"?offset=50", []byte("x")); status != http.StatusConflict ||
		string(answer) != "{\"offset\":13}\n" {
		t.Errorf("%d %s", status, answer)
	}
	ship(t, bed, stream, 13, "", true) // an empty last chunk
	var log bytes.Buffer
	if next, err := me.FollowLogs(t.Context(), d.ID, 0, &log); err != nil || next != 13 || log.String() != "0123456789abc" {
		t.Errorf("%q up to %d: %v", log.String(), next, err)
	}
	refuses(t, bed, "gateway-1", "logs/"+stream+"?offset=0", []byte("x"), http.StatusForbidden)
	refuses(t, bed, "micro-1", "logs/nonsense?offset=0", []byte("x"), http.StatusNotFound)
}

func TestRegistrationsThatAreRefused(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	refuses(t, bed, "micro-1", "heartbeat", []byte("nonsense"), http.StatusBadRequest)
	other := sdp.NodeRegistration{Node: sdp.Node{Name: "gateway-1", Type: sdp.Gateway, Address: "x"}}
	refuses(t, bed, "micro-1", "register", other, http.StatusForbidden)
	for _, r := range []sdp.NodeRegistration{
		{Node: sdp.Node{Name: "micro-1", Type: "BIG", Address: "x"}},
		{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro}},
		{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "x", PortFirst: 9, PortLast: 8}},
		{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "x"}, Repositories: []sdp.Repository{{Name: "../x", Port: 1}}},
		{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "x"}, Repositories: []sdp.Repository{{Name: "x", Port: 0}}},
		{Node: sdp.Node{Name: "micro-1", Type: sdp.Micro, Address: "x"},
			Repositories: []sdp.Repository{{Name: "x", Port: 1, RemoteURL: "http://u:Marker@git/x"}}},
	} {
		refuses(t, bed, "micro-1", "register", r, http.StatusBadRequest)
	}
	events := audited(t, signedIn(t, bed), "node.register")
	if len(events) != 9 || events[0].User != "node/micro-1" || events[0].Outcome != "refused" {
		t.Errorf("audit %+v", events)
	}
}

func TestDesiredAndObserved(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	status, answer := bed.Node("micro-1", "GET", "desired", nil)
	if status != http.StatusOK || !strings.Contains(string(answer), `"meshToken":"`+bed.Keys.MeshToken()) ||
		!strings.Contains(string(answer), `"sandbox":"shop"`) {
		t.Errorf("%d %s", status, answer)
	}
	var d wire.Desired
	if err := json.Unmarshal(answer, &d); err != nil || len(d.Tables) != 1 || d.Same {
		t.Fatalf("%+v, %v", d, err)
	}
	_, answer = bed.Node("micro-1", "GET", "desired?have="+d.Tables.Digest(), nil)
	var same wire.Desired
	if err := json.Unmarshal(answer, &same); err != nil || !same.Same || len(same.Tables) != 0 {
		t.Errorf("where nothing is new: %+v, %v", same, err)
	}
	status, answer = bed.Node("micro-1", "POST", "tables", wire.TablesRequest{Sandboxes: []string{"none", "shop"}})
	var sent wire.TablesAnswer
	if err := json.Unmarshal(answer, &sent); err != nil || status != http.StatusOK || len(sent.Tables) != 1 || len(sent.Rest) != 0 ||
		sent.Tables[0].Version != d.Tables[0].Version || sent.Speaks != wire.Spoken() {
		t.Errorf("%d %+v, %v", status, sent, err)
	}
	if _, answer := bed.Node("gateway-2", "POST", "tables", wire.TablesRequest{Sandboxes: []string{"shop"}}); strings.Contains(string(answer), "shop") {
		t.Errorf("a node that has nothing to do with it gets %s", answer)
	}
	corrections := []sdp.Correction{{Sandbox: "shop", Service: "account", What: "started stopped container sandbox-shop-account"}}
	if status, answer := bed.Node("micro-1", "POST", "observed", corrections); status != http.StatusOK {
		t.Errorf("%d %s", status, answer)
	}
	if events := audited(t, me, "reconcile"); len(events) != 1 || events[0].User != "system" {
		t.Errorf("audit %+v", events)
	}
}

// A node asks what it must keep, and reports what it pruned by itself.
func TestWatermark(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	status, raw := bed.Node("micro-1", "GET", "images/needed", nil)
	var needed sdp.NeededImages
	if err := json.Unmarshal(raw, &needed); err != nil || status != http.StatusOK || needed.Repositories["account"] == "" {
		t.Errorf("status %d, %s: %v", status, raw, err)
	}
	old := sdp.NodeImage{Node: "micro-1", ID: "sha256:2", Name: "sdp/account:2", Kind: sdp.ServiceImage, Size: 2 << 20}
	report := sdp.WatermarkPrune{Used: 91, Watermark: 85,
		Report: sdp.PruneReport{Node: "forged", Removed: []sdp.NodeImage{old}, Freed: 2 << 20}}
	if status, raw := bed.Node("micro-1", "POST", "images/pruned", report); status >= http.StatusMultipleChoices {
		t.Fatalf("status %d: %s", status, raw)
	}
	e := audited(t, me, "images.prune")[0]
	if e.User != "system" || e.Outcome != "succeeded" ||
		e.Detail != "its disk was 91% full, above the watermark of 85%; node micro-1: removed 1 images, 2 MB: sdp/account:2" {
		t.Errorf("audit %+v", e)
	}
	bed.Node("micro-1", "POST", "heartbeat", sdp.NodeHealth{ImagesUsed: 91, Watermark: 85})
	if n := micro(t, me); n.ImagesUsed != 91 || n.Watermark != 85 || len(n.Problems) > 0 {
		t.Errorf("node %+v", n)
	}
}

func micro(t *testing.T, c *apiclient.Client) rest.Node {
	t.Helper()
	for _, n := range must[[]rest.Node](t)(c.Nodes(t.Context())) {
		if n.Name == "micro-1" {
			return n
		}
	}
	t.Fatal("there is no node micro-1")
	return rest.Node{}
}

// A worker that this server would misunderstand is refused with the side that is to be upgraded, once in the audit however
// often it asks, and whoever looks at the nodes reads why nothing can be deployed there.
func TestWorkerOfAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	old := []byte(`{"Node": {"Name": "micro-1", "Type": "MICRO", "Address": "x"}, "Repositories": null}`) // as before there were versions
	for range 3 {
		if status, answer := bed.Node("micro-1", "POST", "register", old); status != http.StatusConflict ||
			!strings.Contains(string(answer), `"code":"version-mismatch"`) ||
			!strings.Contains(string(answer), "upgrades node micro-1 to the sdp of the server") {
			t.Fatalf("%d %s", status, answer)
		}
	}
	events := audited(t, me, "node.register")
	if len(events) != 3 || events[0].Outcome != "refused" || events[1].Outcome == "refused" {
		t.Errorf("audit %+v", events)
	}
	newer := wire.Heartbeat{Speaks: wire.Versions{Oldest: wire.Newest + 1, Newest: wire.Newest + 1}}
	if status, answer := bed.Node("micro-1", "POST", "heartbeat", newer); status != http.StatusConflict ||
		!strings.Contains(string(answer), "upgrades the server to the sdp of node micro-1") {
		t.Fatalf("%d %s", status, answer)
	}
	if got := strings.Join(micro(t, me).Problems, "; "); !strings.Contains(got, "the server runs an older sdp than node micro-1") {
		t.Errorf("problems: %q", got)
	}
	if status, answer := bed.Node("micro-1", "POST", "heartbeat", sdp.Heartbeat{}); status != http.StatusOK ||
		!strings.Contains(string(answer), `"speaks"`) {
		t.Fatalf("%d %s", status, answer)
	}
	if got := micro(t, me).Problems; len(got) > 0 {
		t.Errorf("the node is fine again and shows %q", got)
	}
}

// An answer with tables is bounded: a node asks again for those there was no room for, and gets all of them.
func TestTablesComeInPieces(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	services := map[string]nodestore.SharedService{}
	for n := range 3000 {
		services[fmt.Sprintf("service-%d", n)] = nodestore.SharedService{URL: "http://" + strings.Repeat("x", 100) + ".example.com", Port: 80}
	}
	if err := bed.DB.SetSharedServices(t.Context(), services); err != nil {
		t.Fatal(err)
	}
	var left []string
	for n := range 6 {
		name := fmt.Sprintf("box-%d", n)
		must[rest.CreatedSandbox](t)(me.CreateSandbox(t.Context(), sdp.SandboxSpec{Name: name}))
		left = append(left, name)
	}
	var got []string
	for asked := 1; len(left) > 0; asked++ {
		status, raw := bed.Node("gateway-1", "POST", "tables", wire.TablesRequest{Sandboxes: left})
		var answer wire.TablesAnswer
		if err := json.Unmarshal(raw, &answer); err != nil || status != http.StatusOK || len(answer.Tables) == 0 || len(raw) > 2*wire.MaxTablesBytes {
			t.Fatalf("%d: %d bytes with %d tables, %v", status, len(raw), len(answer.Tables), err)
		}
		for _, table := range answer.Tables {
			got = append(got, table.Sandbox)
		}
		if left = answer.Rest; len(left) == 0 && asked < 2 {
			t.Errorf("all came at once, in %d bytes", len(raw))
		}
	}
	if want := "[box-0 box-1 box-2 box-3 box-4 box-5]"; fmt.Sprint(got) != want {
		t.Errorf("got %v", got)
	}
}

// A node gets its own part of a look, whatever it says it is, and of a look that the server has begun.
func TestLook(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	look := must[wire.Look](t)(bed.Config.Control.PlanLook(t.Context(), &control.Call{Actor: control.System("test")}, "track-1"))
	in := wire.LookInput{ID: look.ID, Ticket: look.Ticket, Node: "gateway-1"}
	status, raw := bed.Node("micro-1", "POST", "look/asks", wire.AsksRequest{LookInput: in})
	var page wire.AsksPage
	if err := json.Unmarshal(raw, &page); err != nil || status != http.StatusOK || page.Speaks != wire.Spoken() || len(page.Asks) != 0 {
		t.Errorf("%d %s, %v", status, raw, err)
	}
	if status, raw := bed.Node("micro-1", "POST", "look/answers", wire.AnswersReport{LookInput: in}); status >= http.StatusMultipleChoices {
		t.Errorf("%d %s", status, raw)
	}
	in.ID = "track-2"
	refuses(t, bed, "micro-1", "look/asks", wire.AsksRequest{LookInput: in}, http.StatusForbidden)
	refuses(t, bed, "micro-1", "look/answers", wire.AnswersReport{LookInput: in}, http.StatusForbidden)
}
