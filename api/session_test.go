package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"sdp/api"
	"sdp/api/apitest"
	"sdp/api/rest"
	"sdp/internal/sdp"
)

var rightLogin = rest.Login{User: apitest.User, Password: apitest.Password}

func TestLoginGivesACookieAndAToken(t *testing.T) {
	bed := apitest.New(t)
	a := anonymous(t, bed).post("/api/v1/session", rightLogin).want(http.StatusCreated)
	session := decode[rest.Session](a)
	if session.User != apitest.User || session.Token == "" || time.Until(session.ExpiresAt) < 11*time.Hour {
		t.Errorf("session %+v", session)
	}
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil || cookie.Name != "sdp_session" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Secure {
		t.Fatalf("cookie %v %v", cookie, err)
	}
	page := anonymous(t, bed).with("Origin", "http://sdp.test").post("/api/v1/session", rightLogin).want(http.StatusCreated)
	if got := decode[rest.Session](page); got.User != apitest.User || got.Token != "" || page.header.Get("Set-Cookie") == "" {
		t.Errorf("a page got %+v", got)
	}
	for _, c := range []*caller{
		anonymous(t, bed).with("Cookie", "sdp_session="+cookie.Value),
		anonymous(t, bed).with("Authorization", "Bearer "+session.Token),
	} {
		if got := decode[rest.Session](c.get("/api/v1/session").want(http.StatusOK)); got.User != apitest.User || got.Token != "" {
			t.Errorf("session %+v", got)
		}
	}
	if events := audited(t, signedIn(t, bed), "session.create"); len(events) != 2 || events[0].Outcome != "succeeded" || events[0].User != apitest.User {
		t.Errorf("audit %+v", events)
	}
}

func TestCookieIsSecureBehindHTTPS(t *testing.T) {
	bed := apitest.New(t, func(c *api.Config) { c.PublicURL = "https://sdp.test" })
	a := anonymous(t, bed).post("/api/v1/session", rightLogin).want(http.StatusCreated)
	contains(t, a.header.Get("Set-Cookie"), "; Secure")
	contains(t, a.header.Get("Strict-Transport-Security"), "max-age=")
}

func TestLogoutRevokes(t *testing.T) {
	bed := apitest.New(t)
	me := signedIn(t, bed)
	a := me.delete("/api/v1/session").want(http.StatusNoContent)
	contains(t, a.header.Get("Set-Cookie"), "Max-Age=0")
	me.get("/api/v1/nodes").problem(http.StatusUnauthorized, "not-signed-in")
}

func TestWhoIsNotSignedIn(t *testing.T) {
	bed := apitest.New(t)
	for name, c := range map[string]*caller{
		"nobody":  anonymous(t, bed),
		"garbage": anonymous(t, bed).with("Authorization", "Bearer nonsense"),
		"basic":   anonymous(t, bed).with("Authorization", "Basic ZGFuYTp4"),
		"a node":  anonymous(t, bed).with("Authorization", "Bearer "+bed.Keys.NodeToken("micro-1", time.Time{})),
	} {
		t.Run(name, func(t *testing.T) {
			a := c.get("/api/v1/sandboxes").want(http.StatusUnauthorized)
			contains(t, a.header.Get("WWW-Authenticate"), "Bearer")
			contains(t, string(a.body), "sdp login")
			c.post("/api/v1/sandboxes", shop).want(http.StatusUnauthorized)
			c.get("/api/v1/events").want(http.StatusUnauthorized)
		})
	}
}

func TestLoginFailuresAreToldApart(t *testing.T) {
	bed := apitest.New(t)
	me := anonymous(t, bed)
	wrong := me.post("/api/v1/session", rest.Login{User: apitest.User, Password: "wrong-Marker"})
	contains(t, wrong.problem(http.StatusUnauthorized, "wrong-credentials").Remedy, "check the user name and the password and try again")

	bed.Engine.FailWith(func(string) error {
		return sdp.Errorf(sdp.Unavailable, "git-unreachable", "the git server does not answer").WithRemedy("try again")
	})
	me.post("/api/v1/session", rightLogin).problem(http.StatusServiceUnavailable, "git-unreachable")
	bed.Engine.FailWith(func(string) error { return sdp.Errorf(sdp.NotFound, "repository-missing", "no repository account") })
	p := me.post("/api/v1/session", rightLogin).problem(http.StatusServiceUnavailable, "login-repository-missing")
	contains(t, p.Remedy, "login.repository")
	bed.Engine.FailWith(nil)

	bed.Advance(time.Minute)
	p = me.post("/api/v1/session", rightLogin).problem(http.StatusServiceUnavailable, "node-without-worker")
	contains(t, p.Detail, "node micro-1: no worker since ")

	outcomes := map[string]int{}
	for _, e := range audited(t, signedIn(t, bed), "session.create") {
		outcomes[e.Outcome]++
	}
	if outcomes["refused"] != 1 || outcomes["failed"] != 3 {
		t.Errorf("outcomes %v", outcomes)
	}
}

func TestLoginRepositoryNobodyHas(t *testing.T) {
	bed := apitest.New(t)
	bed.Control.LoginRepository = "elsewhere"
	bed.Restart()
	p := anonymous(t, bed).post("/api/v1/session", rightLogin).problem(http.StatusServiceUnavailable, "login-repository-missing")
	contains(t, p.Detail, "elsewhere")
}

func TestLoginIsRateLimited(t *testing.T) {
	bed := apitest.New(t)
	me := anonymous(t, bed)
	for range 5 {
		me.post("/api/v1/session", rest.Login{User: "dana", Password: "guess"}).want(http.StatusUnauthorized)
	}
	a := me.post("/api/v1/session", rightLogin)
	a.problem(http.StatusTooManyRequests, "too-many-logins")
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	me.post("/api/v1/session", rest.Login{User: "erin", Password: "other"}).want(http.StatusCreated)
}

func TestLoginBodyIsChecked(t *testing.T) {
	bed := apitest.New(t)
	for name, in := range map[string]string{
		"no password":   `{"user":"dana"}`,
		"no JSON":       `user=dana&password=Marker-in-form`,
		"unknown field": `{"user":"dana","password":"x","pasword":"Marker-typo"}`,
		"wrong type":    `{"user":"dana","password":{"Marker-key":"Marker-value"}}`,
		"empty":         ``,
	} {
		t.Run(name, func(t *testing.T) {
			a := anonymous(t, bed).post("/api/v1/session", in)
			a.problem(http.StatusBadRequest, "bad-request")
			if strings.Contains(string(a.body), "Marker-value") || strings.Contains(string(a.body), "Marker-typo") || strings.Contains(string(a.body), "Marker-in-form") {
				t.Errorf("the answer repeats the secret: %s", a.body)
			}
		})
	}
	anonymous(t, bed).with("Content-Type", "text/plain").post("/api/v1/session", `{}`).problem(http.StatusUnsupportedMediaType, "bad-media-type")
	huge := `{"user":"dana","password":"` + strings.Repeat("x", 1<<20) + `"}`
	anonymous(t, bed).post("/api/v1/session", huge).problem(http.StatusRequestEntityTooLarge, "too-large")
}

func TestOtherSitesCannotChangeAnything(t *testing.T) {
	bed := apitest.New(t)
	cookie := anonymous(t, bed).with("Cookie", "sdp_session="+bed.Token())
	for name, c := range map[string]*caller{
		"cross-site":     cookie.with("Sec-Fetch-Site", "cross-site"),
		"same-site":      cookie.with("Sec-Fetch-Site", "same-site"),
		"foreign origin": cookie.with("Origin", "http://evil.test"),
		"login":          anonymous(t, bed).with("Origin", "http://evil.test"),
	} {
		t.Run(name, func(t *testing.T) {
			if name == "login" {
				c.post("/api/v1/session", rightLogin).problem(http.StatusForbidden, "cross-origin")
				return
			}
			c.post("/api/v1/sandboxes", shop).problem(http.StatusForbidden, "cross-origin")
		})
	}
	cookie.with("Origin", "http://sdp.test").with("Sec-Fetch-Site", "same-origin").post("/api/v1/sandboxes", shop).want(http.StatusAccepted)
}

// A node's token opens that node's routes and no others.
func TestNodeTokens(t *testing.T) {
	t.Parallel()
	bed := apitest.New(t)
	for _, token := range []string{"", bed.Keys.NodeToken("gateway-1", time.Time{}), bed.Token()} {
		c := anonymous(t, bed).with("Authorization", "Bearer "+token)
		c.get("/node/v1/micro-1/desired").problem(http.StatusUnauthorized, "bad-node-token")
	}
	node := anonymous(t, bed).with("Authorization", "Bearer "+bed.Keys.NodeToken("micro-1", time.Time{}))
	node.get("/node/v1/micro-1/desired").want(http.StatusOK)
	node.get("/api/v1/nodes").problem(http.StatusUnauthorized, "bad-session")
}
