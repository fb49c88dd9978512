package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/api"
	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestWhatNoRouteMatches(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	me := signedIn(t, bed)
	me.get("/api/v1/nothing").problem(http.StatusNotFound, "no-route")
	me.get("/api/v1/sandboxes/").problem(http.StatusNotFound, "no-route")
	me.post("/anything", nil).problem(http.StatusNotFound, "no-route")
	a := me.do(http.MethodPatch, "/api/v1/sandboxes", nil)
	a.problem(http.StatusMethodNotAllowed, "wrong-method")
	contains(t, a.header.Get("Allow"), "POST")
	if a := me.get("/").want(http.StatusOK); !strings.Contains(string(a.body), "/openapi.json") {
		t.Errorf("%s", a.body)
	}
	me.get("/nothing").want(http.StatusNotFound)
}

func TestBodiesMustArriveInTime(t *testing.T) {
	t.Parallel()
	const limit = 100 * time.Millisecond
	bed := apitest.New(t, func(c *api.Config) { c.BodyTimeout = limit })
	me := signedIn(t, bed)
	createShop(t, me)
	bed.Engine.FailWith(func(string) error { <-time.After(3 * limit); return nil }) // the work may take longer
	for range 2 {                                                                   // the second on the same connection
		me.post("/api/v1/sandboxes/shop/trace", rest.TraceRequest{Path: "/"}).want(http.StatusOK)
	}
	body, never := io.Pipe()
	defer never.Close()
	for _, key := range []string{"", "k"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, bed.URL+"/api/v1/sandboxes", body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = me.with("Content-Type", "application/json").with("Idempotency-Key", key).header
		response, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusRequestTimeout {
			t.Errorf("key %q: %s", key, response.Status)
		}
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	for _, path := range []string{"/", "/healthz", "/api/v1/nodes", "/api/v1/none", "/openapi.json"} {
		h := signedIn(t, bed).get(path).header
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Frame-Options") != "DENY" || h.Get("X-Request-ID") == "" ||
			!strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") ||
			h.Get("Cross-Origin-Opener-Policy") != "same-origin" || h.Get("Cross-Origin-Resource-Policy") != "same-origin" ||
			!strings.Contains(h.Get("Permissions-Policy"), "camera=()") || h.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	var down error
	bed := apitest.New(t, func(c *api.Config) { c.TemporalReady = func(context.Context) error { return down } })
	c := anonymous(t, bed)
	c.get("/healthz").want(http.StatusOK)
	if h := decode[rest.Health](c.get("/readyz").want(http.StatusOK)); h.Checks["database"] != "ok" || h.Checks["temporal"] != "ok" {
		t.Errorf("health %+v", h)
	}
	down = errors.New("dial tcp: Marker")
	a := c.get("/readyz").want(http.StatusServiceUnavailable)
	if h := decode[rest.Health](a); h.Status != "unavailable" || h.Checks["temporal"] == "ok" || strings.Contains(string(a.body), "Marker") {
		t.Errorf("health %+v", h)
	}
	bed.DB.Close()
	c.get("/healthz").want(http.StatusOK)
	if h := decode[rest.Health](c.get("/readyz").want(http.StatusServiceUnavailable)); h.Checks["database"] == "ok" {
		t.Errorf("health %+v", h)
	}
}

// TestDocument checks that the OpenAPI document is of version 3.1, complete, consistent in itself, and as reviewed.
func TestDocument(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	raw := anonymous(t, bed).get("/openapi.json").want(http.StatusOK).body
	var doc struct {
		OpenAPI string
		Info    struct{ Title, Version string }
		Paths   map[string]map[string]struct {
			OperationID, Summary string
			Responses            map[string]struct {
				Description string
				Content     map[string]json.RawMessage
			}
			Parameters []struct {
				Name, In string
				Required bool
				Schema   json.RawMessage
			}
			Security []map[string][]string
		}
		Components struct {
			Schemas         map[string]json.RawMessage
			SecuritySchemes map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") || doc.Info.Title == "" || doc.Info.Version == "" {
		t.Errorf("head %+v", doc.Info)
	}
	var listed []string
	ids := map[string]bool{}
	for path, operations := range doc.Paths {
		for method, op := range operations {
			listed = append(listed, strings.ToUpper(method)+" "+path)
			if op.OperationID == "" || ids[op.OperationID] || op.Summary == "" {
				t.Errorf("%s %s: operation ID %q", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			if _, ok := op.Responses["default"].Content["application/problem+json"]; !ok {
				t.Errorf("%s %s does not document its errors", method, path)
			}
			for code, r := range op.Responses {
				if r.Description == "" {
					t.Errorf("%s %s: response %s has no description", method, path, code)
				}
			}
			var inPath []string
			for _, p := range op.Parameters {
				if p.In == "path" {
					inPath = append(inPath, "{"+p.Name+"}")
				}
				if p.In == "path" && !p.Required || len(p.Schema) == 0 {
					t.Errorf("%s %s: parameter %s", method, path, p.Name)
				}
			}
			want := regexp.MustCompile(`\{\w+\}`).FindAllString(path, -1)
			slices.Sort(want)
			slices.Sort(inPath)
			if !slices.Equal(want, inPath) {
				t.Errorf("%s %s: path parameters %v", method, path, inPath)
			}
			for _, s := range op.Security {
				for name := range s {
					if _, ok := doc.Components.SecuritySchemes[name]; !ok {
						t.Errorf("%s %s: security scheme %s", method, path, name)
					}
				}
			}
		}
	}
	routes := bed.Server.Routes()
	routes = slices.DeleteFunc(routes, func(r string) bool { return strings.HasPrefix(r, "GET /openapi") })
	slices.Sort(routes)
	slices.Sort(listed)
	if !slices.Equal(routes, listed) {
		t.Errorf("routes   %v\ndocument %v", routes, listed)
	}
	for _, m := range regexp.MustCompile(`"\$ref":"([^"]*)"`).FindAllSubmatch(raw, -1) {
		name, ok := strings.CutPrefix(string(m[1]), "#/components/schemas/")
		if _, known := doc.Components.Schemas[name]; !ok || !known {
			t.Errorf("reference %s leads nowhere", m[1])
		}
	}
	golden(t, "openapi.json", raw)
}

func golden(t *testing.T, name string, raw []byte) {
	t.Helper()
	var parsed any
	if err := json.Unmarshal(raw, &parsed); err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(parsed, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs: look at what changed with `go test ./api -run %s -update` and `git diff`", path, t.Name())
	}
}

// TestNoSecretComesBack plants markers in everything secret a caller sends and looks for them in every answer and in
// the log.
func TestNoSecretComesBack(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	var seen strings.Builder
	keep := func(a answer) answer {
		for name, values := range a.header {
			seen.WriteString(name + ": " + strings.Join(values, ", ") + "\n")
		}
		seen.Write(a.body)
		return a
	}
	c := anonymous(t, bed)
	keep(c.post("/api/v1/session", rest.Login{User: apitest.User, Password: "planted-wrong-password"}))
	keep(c.post("/api/v1/session", rest.Login{User: apitest.User, Password: apitest.Password}))
	me := signedIn(t, bed)
	keep(me.post("/api/v1/sandboxes", shop))
	secrets := map[string]string{"API_KEY": "planted-secret"}
	d := rest.Deploy{Services: []rest.DeployService{{Service: "user", Branch: "main"}}, Secrets: secrets}
	keep(me.with("Idempotency-Key", "k").post("/api/v1/sandboxes/shop/deployments", d)).want(http.StatusAccepted)
	keep(me.with("Idempotency-Key", "k").post("/api/v1/sandboxes/shop/deployments", d)).want(http.StatusAccepted)
	d.Services[0].Branch = "bad..branch"
	keep(me.post("/api/v1/sandboxes/shop/deployments", d))
	keep(me.post("/api/v1/sandboxes/shop/deployments", `{"secrets":{"A":"planted-in-bad-json"`))
	keep(me.post("/api/v1/sandboxes/shop/deployments?token=planted-in-query", d))
	keep(me.put("/api/v1/sandboxes/shop/routes/user", rest.SetRoute{Source: "url", URL: "http://u:planted-in-url@x/"}))
	bed.Engine.FailWith(func(string) error { return errors.New("low level: planted-in-error") })
	keep(me.post("/api/v1/sandboxes/shop/trace", rest.TraceRequest{Path: "/?key=planted-in-trace"})).want(http.StatusInternalServerError)
	bed.Engine.FailWith(func(string) error { panic(sdp.Errorf(sdp.Internal, "x", "planted-in-panic")) })
	keep(me.get("/api/v1/repositories/account/branches")).want(http.StatusInternalServerError)
	bed.Engine.FailWith(nil)
	for _, path := range []string{"sandboxes", "sandboxes/shop", "deployments", "audit?limit=200", "nodes", "repositories", "session", "sandboxes/shop/routes"} {
		keep(me.get("/api/v1/" + path)).want(http.StatusOK)
	}
	for _, planted := range []string{apitest.Password, "planted-"} {
		if i := strings.Index(seen.String(), planted); i >= 0 {
			t.Errorf("answers show %q", seen.String()[max(0, i-200):i+40])
		}
	}
	log := bed.Log.String()
	for _, planted := range []string{apitest.Password, "planted-wrong", "planted-secret", "planted-in-bad", "planted-in-query", "planted-in-url", "planted-in-trace", bed.Token()[:20]} {
		if strings.Contains(log, planted) {
			t.Errorf("the log has %q", planted)
		}
	}
	if !strings.Contains(log, "planted-in-error") {
		t.Error("the log does not have the error that the caller was not told")
	}
}
