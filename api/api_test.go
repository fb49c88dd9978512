package api_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

// caller sends requests to a server under test, as a signed-in user unless it is told otherwise.
type caller struct {
	t      *testing.T
	bed    *apitest.Bed
	header http.Header
}

func signedIn(t *testing.T, bed *apitest.Bed) *caller {
	return &caller{t: t, bed: bed, header: http.Header{"Authorization": {"Bearer " + bed.Token()}}}
}

func anonymous(t *testing.T, bed *apitest.Bed) *caller {
	return &caller{t: t, bed: bed, header: http.Header{}}
}

// with returns a caller that sends one header more.
func (c caller) with(name, value string) *caller {
	c.header = c.header.Clone()
	c.header.Set(name, value)
	return &c
}

type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
}

func (c *caller) do(method, path string, in any) answer {
	c.t.Helper()
	var raw []byte
	switch in := in.(type) {
	case nil:
	case string:
		raw = []byte(in)
	default:
		var err error
		if raw, err = json.Marshal(in); err != nil {
			c.t.Fatal(err)
		}
	}
	req, err := http.NewRequest(method, c.bed.URL+path, bytes.NewReader(raw))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.header.Clone()
	if raw != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{c.t, response.StatusCode, response.Header, body}
}

func (c *caller) get(path string) answer { c.t.Helper(); return c.do(http.MethodGet, path, nil) }
func (c *caller) post(path string, in any) answer {
	c.t.Helper()
	return c.do(http.MethodPost, path, in)
}
func (c *caller) put(path string, in any) answer { c.t.Helper(); return c.do(http.MethodPut, path, in) }
func (c *caller) delete(path string) answer      { c.t.Helper(); return c.do(http.MethodDelete, path, nil) }

// want fails unless the status is the expected one.
func (a answer) want(status int) answer {
	a.t.Helper()
	if a.status != status {
		a.t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// problem fails unless the answer is a complete problem with this status and code.
func (a answer) problem(status int, code string) rest.Problem {
	a.t.Helper()
	a.want(status)
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		a.t.Errorf("Content-Type %q", got)
	}
	var p rest.Problem
	a.into(&p)
	if p.Code != code || p.Status != status || p.Detail == "" || p.Title == "" || p.Kind == "" || p.Instance == "" {
		a.t.Fatalf("problem %+v, want code %s", p, code)
	}
	return p
}

func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		a.t.Fatalf("%v in %s", err, a.body)
	}
}

func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	a.into(&v)
	return v
}

// shop is a sandbox with the gateway and account from branches.
var shop = sdp.SandboxSpec{
	Name: "shop", Environment: "dev", Gateway: &sdp.GatewaySpec{Branch: "main"},
	Services: map[string]sdp.ServiceSpec{"account": {Branch: "feature/login"}, "user": {UseOCP: true}},
}

func createShop(t *testing.T, c *caller) rest.CreatedSandbox {
	t.Helper()
	return decode[rest.CreatedSandbox](c.post("/api/v1/sandboxes", shop).want(http.StatusAccepted))
}

// audited returns the newest audit events of an action.
func audited(t *testing.T, c *caller, action string) []rest.AuditEvent {
	t.Helper()
	return decode[rest.Page[rest.AuditEvent]](c.get("/api/v1/audit?action=" + action).want(http.StatusOK)).Items
}

func contains(t *testing.T, text, part string) {
	t.Helper()
	if !strings.Contains(text, part) {
		t.Errorf("%q does not say %q", text, part)
	}
}
