package apiclient_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"sdp/api/apiclient"
	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

func signedIn(t *testing.T, bed *apitest.Bed) *apiclient.Client {
	t.Helper()
	c, err := apiclient.New(bed.URL, bed.Token())
	if err != nil {
		t.Fatal(err)
	}
	return c
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

func wantCode(t *testing.T, err error, kind sdp.Kind, code string) {
	t.Helper()
	var e *sdp.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code || e.Detail == "" {
		t.Errorf("error %+v, want %s %s", err, kind, code)
	}
}

func createShop(t *testing.T, c *apiclient.Client) rest.Deployment {
	t.Helper()
	created := must[rest.CreatedSandbox](t)(c.CreateSandbox(t.Context(), sdp.SandboxSpec{
		Name: "shop", Services: map[string]sdp.ServiceSpec{"account": {Branch: "main"}},
	}))
	return created.Deployments[0]
}

func TestLoginAndLogout(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	c := must[*apiclient.Client](t)(apiclient.New(bed.URL+"/", ""))
	_, err := c.Login(t.Context(), apitest.User, "wrong")
	wantCode(t, err, sdp.Unauthenticated, "wrong-credentials")
	_, err = c.Nodes(t.Context())
	wantCode(t, err, sdp.Unauthenticated, "not-signed-in")
	session := must[rest.Session](t)(c.Login(t.Context(), apitest.User, apitest.Password))
	if session.Token == "" {
		t.Error("no token")
	}
	if me := must[rest.Session](t)(c.Session(t.Context())); me.User != apitest.User {
		t.Errorf("session %+v", me)
	}
	if err := c.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = c.Session(t.Context())
	wantCode(t, err, sdp.Unauthenticated, "not-signed-in")
}

func TestEveryCall(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	bed.Engine.List = []sdp.Branch{{Name: "main", SHA: strings.Repeat("a", 40)}}
	c, ctx := signedIn(t, bed), t.Context()
	first := createShop(t, c)
	if err := c.Ready(ctx); err != nil {
		t.Error(err)
	}
	if got := must[rest.About](t)(c.About(ctx)); got.Version != "test" || len(got.Environments) != 1 {
		t.Errorf("about %+v", got)
	}
	if got := must[[]rest.Node](t)(c.Nodes(ctx)); len(got) != 2 {
		t.Errorf("nodes %+v", got)
	}
	if got := must[[]rest.Repository](t)(c.Repositories(ctx)); len(got) != 4 {
		t.Errorf("repositories %+v", got)
	}
	if got := must[[]rest.Branch](t)(c.Branches(ctx, "account")); len(got) != 1 {
		t.Errorf("branches %+v", got)
	}
	if got := must[rest.Sandbox](t)(c.Sandbox(ctx, "shop")); got.Name != "shop" {
		t.Errorf("sandbox %+v", got)
	}
	ds := must[[]rest.Deployment](t)(c.Deploy(ctx, "shop", rest.Deploy{Services: []rest.DeployService{{Service: "user", Branch: "main"}}}))
	if got := must[rest.Deployment](t)(c.Cancel(ctx, ds[0].ID)); got.ID != ds[0].ID {
		t.Errorf("cancel %+v", got)
	}
	if got := must[rest.Progress](t)(c.Progress(ctx, first.ID)); got.Source != "database" {
		t.Errorf("progress %+v", got)
	}
	if got := must[[]rest.Deployment](t)(c.Deployments(ctx, apiclient.DeploymentFilter{Sandbox: "shop", Service: "user"})); len(got) != 1 {
		t.Errorf("deployments %+v", got)
	}
	if got := must[rest.Routes](t)(c.Routes(ctx, "shop")); len(got.Routes) == 0 {
		t.Errorf("routes %+v", got)
	}
	op := must[rest.Operation](t)(c.SetRoute(ctx, "shop", "user", rest.SetRoute{Source: "ocp"}))
	if got := must[rest.Operation](t)(c.Operation(ctx, op.ID)); got.Kind != "route" {
		t.Errorf("operation %+v", got)
	}
	if got := must[rest.Trace](t)(c.Trace(ctx, "shop", rest.TraceRequest{Path: "/"})); len(got.Hops) != 1 {
		t.Errorf("trace %+v", got)
	}
	_, err := c.Operate(ctx, sdp.OpRestart, "shop", "account")
	wantCode(t, err, sdp.Conflict, "never-ran")
	_, err = c.Operate(ctx, sdp.OpStop, "shop", "account")
	wantCode(t, err, sdp.Conflict, "not-running")
	must[rest.Operation](t)(c.DeleteSandbox(ctx, "shop"))
	if got := must[[]rest.AuditEvent](t)(c.Audit(ctx, apiclient.AuditFilter{Sandbox: "shop", Outcome: "accepted"})); len(got) != 6 {
		t.Errorf("audit %+v", got)
	}
	_, err = c.Sandbox(ctx, "../nodes")
	wantCode(t, err, sdp.NotFound, "no-route") // a path that is none of ours, and not the nodes
}

func TestListsReadAllPages(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	c := signedIn(t, bed)
	createShop(t, c)
	for range 205 {
		err := bed.DB.Audit(t.Context(), sdp.AuditEvent{User: "x", Action: "test", Outcome: sdp.Succeeded})
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := must[[]rest.AuditEvent](t)(c.Audit(t.Context(), apiclient.AuditFilter{Action: "test"})); len(got) != 205 {
		t.Errorf("%d events", len(got))
	}
	for _, limit := range []int{3, 201} {
		if got := must[[]rest.AuditEvent](t)(c.Audit(t.Context(), apiclient.AuditFilter{Action: "test", Limit: limit})); len(got) != limit {
			t.Errorf("%d events, want %d", len(got), limit)
		}
	}
	if got := must[[]rest.Sandbox](t)(c.Sandboxes(t.Context())); len(got) != 1 {
		t.Errorf("sandboxes %+v", got)
	}
}

func TestServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	c := must[*apiclient.Client](t)(apiclient.New(gone.URL, "token-Marker"))
	_, err := c.Deployments(t.Context(), apiclient.DeploymentFilter{Sandbox: "query-Marker"})
	wantCode(t, err, sdp.Unavailable, "server-unreachable")
	if strings.Contains(err.Error(), "Marker") {
		t.Errorf("%v", err)
	}
	_, err = c.WaitDeployment(t.Context(), "d-x", nil)
	wantCode(t, err, sdp.Unavailable, "server-unreachable")

	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	c = must[*apiclient.Client](t)(apiclient.New(other.URL, ""))
	_, err = c.Nodes(t.Context())
	wantCode(t, err, sdp.Internal, "bad-answer")
	for _, bad := range []string{"", "sdp.test:7700", "ftp://x", "http://user:Marker@x"} {
		_, err := apiclient.New(bad, "")
		wantCode(t, err, sdp.Invalid, "bad-server-url")
	}
}

// TestLostAnswer checks that a change whose answer was lost on the way is sent again and done once.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	createShop(t, signedIn(t, bed))
	target := must[*url.URL](t)(url.Parse(bed.URL))
	proxy := httputil.NewSingleHostReverseProxy(target)
	var lost atomic.Int32
	losing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || lost.Add(1) > 1 {
			proxy.ServeHTTP(w, r)
			return
		}
		proxy.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}))
	defer losing.Close()
	c := must[*apiclient.Client](t)(apiclient.New(losing.URL, bed.Token()))
	ds := must[[]rest.Deployment](t)(c.Deploy(t.Context(), "shop", rest.Deploy{Services: []rest.DeployService{{Service: "user", Branch: "main"}}}))
	all := must[[]rest.Deployment](t)(c.Deployments(t.Context(), apiclient.DeploymentFilter{Service: "user"}))
	if lost.Load() != 2 || len(all) != 1 || all[0].ID != ds[0].ID {
		t.Errorf("%s attempts, deployments %+v", strconv.Itoa(int(lost.Load())), all)
	}
}
