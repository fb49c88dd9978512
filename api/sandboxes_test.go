package api_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

func TestCreateSandbox(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	a := me.post("/api/v1/sandboxes", shop).want(http.StatusAccepted)
	created := decode[rest.CreatedSandbox](a)
	if got := a.header.Get("Location"); got != "/api/v1/operations/"+created.Operation.ID {
		t.Errorf("Location %q", got)
	}
	s := created.Sandbox
	if s.Owner != apitest.User || s.Gateway != "gateway" || s.GatewayNode != "gateway-1" || s.Port != 8080 ||
		s.URL != "http://127.0.0.1:8080" || s.Environment != "dev" || len(s.Services) != 3 {
		t.Errorf("sandbox %+v", s)
	}
	if len(created.Deployments) != 2 || created.Operation.Kind != "create" {
		t.Fatalf("created %+v", created)
	}
	refs := bed.Engine.Submitted()
	if len(refs) != 3 || refs[0].ID != created.Operation.ID || refs[0].Kind != sdp.OpCreate || refs[1].Kind != sdp.OpDeploy || refs[1].User != apitest.User {
		t.Errorf("submitted %+v", refs)
	}
	for _, d := range created.Deployments {
		job, err := bed.DB.Job(t.Context(), d.ID)
		if err != nil {
			t.Fatal(err)
		}
		user, password, err := bed.Engine.Opened(job.Credentials, d.Node, d.ID)
		if err != nil || user != apitest.User || password != apitest.Password {
			t.Errorf("credentials of %s: %q %v", d.ID, user, err)
		}
		if _, _, err := bed.Engine.Opened(job.Credentials, d.Node, "d-other"); err == nil {
			t.Error("the box opens for another operation")
		}
	}
	events := audited(t, me, "deployment.create")
	if len(events) != 2 || events[0].Branch == "" || events[0].Operation == "" || events[0].Environment != "dev" || events[0].Outcome != "accepted" {
		t.Errorf("audit %+v", events)
	}
	if events := audited(t, me, "sandbox.create"); len(events) != 1 || events[0].Operation != created.Operation.ID {
		t.Errorf("audit %+v", events)
	}
}

func TestSandboxWithoutGateway(t *testing.T) {
	bed := apitest.New(t)
	in := sdp.SandboxSpec{Name: "bare", Services: map[string]sdp.ServiceSpec{
		"notification": {UseOCP: true}, "user": {URL: "http://10.0.0.9:8080/base"}}}
	created := decode[rest.CreatedSandbox](signedIn(t, bed).post("/api/v1/sandboxes", in).want(http.StatusAccepted))
	if created.Sandbox.Gateway != "" || created.Sandbox.Port != 8080 || len(created.Deployments) != 0 {
		t.Errorf("created %+v", created)
	}
}

// TestBadSandboxes checks that each bad request is refused with a reason, and leaves nothing behind but its audit.
func TestBadSandboxes(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	named := func(name string) sdp.SandboxSpec { return sdp.SandboxSpec{Name: name} }
	service := func(name string, ask sdp.ServiceSpec) sdp.SandboxSpec {
		return sdp.SandboxSpec{Name: "x", Services: map[string]sdp.ServiceSpec{name: ask}}
	}
	cases := map[string]struct {
		in     any
		status int
		code   string
	}{
		"too long":            {named(strings.Repeat("a", 31)), 400, "bad-name"},
		"path":                {named("../../etc"), 400, "bad-name"},
		"shell":               {named("a;rm -rf /"), 400, "bad-name"},
		"upper case":          {named("Shop"), 400, "bad-name"},
		"zero byte":           {named("a\x00b"), 400, "bad-name"},
		"empty":               {named(""), 400, "bad-name"},
		"dash":                {named("-rf"), 400, "bad-name"},
		"unknown repository":  {service("acount", sdp.ServiceSpec{Branch: "main"}), 404, "repository-not-found"},
		"bad service":         {service("a/b", sdp.ServiceSpec{Branch: "main"}), 400, "bad-name"},
		"bad branch":          {service("account", sdp.ServiceSpec{Branch: "--upload-pack=x"}), 400, "bad-branch"},
		"nothing asked":       {service("account", sdp.ServiceSpec{}), 400, "bad-service"},
		"two asked":           {service("account", sdp.ServiceSpec{Branch: "main", UseOCP: true}), 400, "bad-service"},
		"not in ocp":          {service("payment", sdp.ServiceSpec{UseOCP: true}), 400, "not-in-ocp"},
		"unknown service":     {service("nobody", sdp.ServiceSpec{UseOCP: true}), 404, "unknown-service"},
		"bad url":             {service("user", sdp.ServiceSpec{URL: "ftp://x"}), 400, "bad-url"},
		"url in capitals":     {service("user", sdp.ServiceSpec{URL: "HTTP://x"}), 400, "bad-url"},
		"url with password":   {service("user", sdp.ServiceSpec{URL: "http://u:Marker@x/"}), 400, "bad-url"},
		"unknown environment": {sdp.SandboxSpec{Name: "x", Environment: "prod"}, 404, "unknown-environment"},
		"gateway elsewhere":   {sdp.SandboxSpec{Name: "x", Gateway: &sdp.GatewaySpec{Repository: "user", Branch: "main"}}, 400, "not-a-gateway"},
		"gateway branch":      {sdp.SandboxSpec{Name: "x", Gateway: &sdp.GatewaySpec{Branch: "a..b"}}, 400, "bad-branch"},
		"gateway twice": {sdp.SandboxSpec{Name: "x", Gateway: &sdp.GatewaySpec{Branch: "main"},
			Services: map[string]sdp.ServiceSpec{"gateway": {Branch: "main"}}}, 400, "gateway-twice"},
		"unknown member": {`{"name":"x","servces":{}}`, 400, "bad-request"},
		"no object":      {`[]`, 400, "bad-request"},
		"no JSON":        {`{`, 400, "bad-request"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := me.post("/api/v1/sandboxes", c.in)
			p := a.problem(c.status, c.code)
			if p.Remedy == "" {
				t.Error("no remedy")
			}
			if strings.Contains(string(a.body), "Marker") {
				t.Errorf("secret in %s", a.body)
			}
		})
	}
	if list := decode[rest.Page[rest.Sandbox]](me.get("/api/v1/sandboxes")); len(list.Items) != 0 {
		t.Errorf("left behind: %+v", list.Items)
	}
	if got := bed.Engine.Submitted(); len(got) != 0 {
		t.Errorf("submitted: %+v", got)
	}
	refused := audited(t, me, "sandbox.create")
	if len(refused) != len(cases) {
		t.Errorf("%d audit events, want %d", len(refused), len(cases))
	}
	for _, e := range refused {
		if e.Outcome != "refused" || e.User != apitest.User || e.Detail == "" {
			t.Errorf("audit %+v", e)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	bed := apitest.New(t)
	in := sdp.SandboxSpec{Name: "x", Services: map[string]sdp.ServiceSpec{"acount": {Branch: "main"}}}
	p := signedIn(t, bed).post("/api/v1/sandboxes", in).problem(http.StatusNotFound, "repository-not-found")
	contains(t, p.Remedy, `did you mean "account"?`)
}

func TestSandboxNameIsTaken(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	p := me.post("/api/v1/sandboxes", shop).problem(http.StatusConflict, "sandbox-exists")
	contains(t, p.Remedy, "another name")
}

func TestNodesThatCannotWork(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	health := sdp.NodeHealth{DockerError: "connection refused", DiskFree: 1 << 40, DiskTotal: 1 << 41}
	bed.Node("micro-1", "POST", "heartbeat", health)
	p := me.post("/api/v1/sandboxes", shop).problem(http.StatusServiceUnavailable, "docker-down")
	contains(t, p.Detail, "node micro-1")

	health = sdp.NodeHealth{DiskFree: 1 << 20, DiskTotal: 1 << 41}
	bed.Node("micro-1", "POST", "heartbeat", health)
	me.post("/api/v1/sandboxes", shop).problem(http.StatusInsufficientStorage, "disk-full")

	bed.Advance(time.Minute)
	p = me.post("/api/v1/sandboxes", shop).problem(http.StatusServiceUnavailable, "node-without-worker")
	contains(t, p.Detail, ": no worker since ")
	nodes := decode[rest.Page[rest.Node]](me.get("/api/v1/nodes").want(http.StatusOK)).Items
	if len(nodes) != 2 || nodes[0].Alive || len(nodes[0].Problems) == 0 {
		t.Errorf("nodes %+v", nodes)
	}
	if list := decode[rest.Page[rest.Sandbox]](me.get("/api/v1/sandboxes")); len(list.Items) != 0 {
		t.Errorf("left behind: %+v", list.Items)
	}
	for _, e := range audited(t, me, "sandbox.create") {
		if e.Outcome != "failed" {
			t.Errorf("audit %+v", e)
		}
	}
}

func TestNodesGetTimeAfterTheServersStart(t *testing.T) {
	bed := apitest.New(t)
	bed.Control.LivenessGrace = time.Hour
	bed.Restart()
	bed.Advance(time.Minute)
	signedIn(t, bed).post("/api/v1/sandboxes", shop).want(http.StatusAccepted)
}

func TestSandboxPages(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	names := []string{"a", "b", "c", "d", "e"}
	for _, name := range names {
		me.post("/api/v1/sandboxes", sdp.SandboxSpec{Name: name}).want(http.StatusAccepted)
	}
	var got []string
	path := "/api/v1/sandboxes?limit=2"
	for cursor := ""; ; {
		page := decode[rest.Page[rest.Sandbox]](me.get(path + cursor).want(http.StatusOK))
		for _, s := range page.Items {
			got = append(got, s.Name)
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if !slices.Equal(got, names) {
		t.Errorf("got %v", got)
	}
	me.get("/api/v1/sandboxes?cursor=%21").problem(http.StatusBadRequest, "bad-cursor")
	me.get("/api/v1/sandboxes?limit=0").problem(http.StatusBadRequest, "bad-request")
	me.get("/api/v1/sandboxes?limits=3").problem(http.StatusBadRequest, "bad-request")
}

func TestDeleteSandbox(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	op := decode[rest.Operation](me.delete("/api/v1/sandboxes/shop").want(http.StatusAccepted))
	if got := decode[rest.Operation](me.get("/api/v1/operations/" + op.ID).want(http.StatusOK)); got.Kind != "delete" || got.State != "QUEUED" {
		t.Errorf("operation %+v", got)
	}
	me.delete("/api/v1/sandboxes/shop").problem(http.StatusConflict, "sandbox-deleting")
	me.post("/api/v1/sandboxes/shop/deployments", rest.Deploy{Services: []rest.DeployService{{Service: "user", Branch: "main"}}}).
		problem(http.StatusConflict, "sandbox-deleting")
	me.delete("/api/v1/sandboxes/nothing").problem(http.StatusNotFound, "sandbox-not-found")
	me.get("/api/v1/sandboxes/No%20thing").problem(http.StatusBadRequest, "bad-name")
}

func TestRepositoriesAndBranches(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	bed.Engine.List = []sdp.Branch{{Name: "main", SHA: strings.Repeat("a", 40)}}
	repositories := decode[rest.Page[rest.Repository]](me.get("/api/v1/repositories").want(http.StatusOK)).Items
	names := map[string]bool{}
	for _, r := range repositories {
		names[r.Name] = r.Gateway
	}
	if !maps.Equal(names, map[string]bool{"account": false, "payment": false, "user": false, "gateway": true}) {
		t.Errorf("repositories %v", names)
	}
	branches := decode[rest.Page[rest.Branch]](me.get("/api/v1/repositories/account/branches").want(http.StatusOK)).Items
	if len(branches) != 1 || branches[0].Name != "main" {
		t.Errorf("branches %+v", branches)
	}
	me.get("/api/v1/repositories/nope/branches").problem(http.StatusNotFound, "repository-not-found")
	bed.Engine.Users[apitest.User] = "changed since"
	p := me.get("/api/v1/repositories/account/branches").problem(http.StatusUnauthorized, "wrong-credentials")
	contains(t, p.Remedy, "sign in again")
}

func TestSandboxWhosePortIsHeldSaysSo(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	createShop(t, me)
	attention := func() []rest.Attention {
		return decode[rest.Sandbox](me.get("/api/v1/sandboxes/shop").want(http.StatusOK)).Attention
	}
	bed.Node("gateway-1", "POST", "heartbeat", sdp.NodeHealth{RouterError: "held", PortHeld: []string{"shop"}})
	if a := attention(); len(a) != 1 || a[0].Code != "port-held" || !strings.Contains(a[0].Remedy, "on gateway-1") {
		t.Errorf("attention %+v", a)
	}
	bed.Node("gateway-1", "POST", "heartbeat", sdp.NodeHealth{})
	if a := attention(); len(a) != 0 {
		t.Errorf("attention %+v", a)
	}
}
