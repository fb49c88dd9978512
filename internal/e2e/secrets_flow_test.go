package e2e

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// mistakes are requests that are refused: an answer, a log line or an audit row that quotes what it refuses leaks it.
func (v *vault) mistakes(t *testing.T) {
	v.sdp(t, "sandbox", "create", vaultBox, "--wait")
	login, deploy := "/api/v1/session", "/api/v1/sandboxes/"+vaultBox+"/deployments"
	bad, who := v.mark("refused value"), v.bearer(t)
	for _, c := range []struct {
		method, path, body string
		header             map[string]string
	}{
		{"POST", login, `{"user":"mara","password":"` + bad + `"}`, nil},
		{"POST", login, `{"user":"mara","password":{"is":"` + bad + `"}}`, nil},
		{"POST", login, `{"user":"mara","password":"` + strings.Repeat(bad, 100) + `"}`, nil},
		{"POST", login, `{"user":"mara","password":"` + bad, nil},
		{"POST", login, `password=` + bad, map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		{"GET", "/api/v1/nodes", "", map[string]string{"Authorization": "Bearer " + bad}},
		{"GET", "/api/v1/nodes", "", map[string]string{"Authorization": "Bearer sdps_" + bad}},
		{"GET", "/api/v1/nodes", "", map[string]string{"Authorization": "Basic " + bad}},
		{"GET", "/api/v1/nodes", "", map[string]string{"Cookie": sdp.SessionCookie + "=" + bad}},
		{"GET", "/node/v1/micro-1/desired", "", map[string]string{"Authorization": "Bearer " + bad}},
		{"POST", "/codec/decode", `{"payloads":[{"data":"` + bad + `"}]}`, map[string]string{"Authorization": "Bearer " + bad}},
		{"POST", "/codec/decode", `{"payloads":"` + bad + `"}`, who},
		{"POST", deploy, `{"services":[{"service":"vault","branch":"main"}],"secrets":{"A":["` + bad + `"]}}`, who},
		{"POST", deploy, `{"services":[{"service":"vault","branch":"main"}],"secrets":"` + bad + `"}`, who},
		{"POST", deploy, `{"services":[{"service":"vault","branch":"main"}],"secrets":{"A B":"` + bad + `"}}`, who},
		{"POST", deploy, `{"services":[{"service":"vault","branch":"main"}],"secrets":{"A":"` + bad + `\u0000"}}`, who},
		{"POST", deploy, `{"services":[{"service":"vault","branch":"main"}],"secrets":{"A":"` + bad + `"},"env":{"A":"1"}}`, who},
		{"POST", deploy, `{"services":[{"service":"vualt","branch":"main"}],"secrets":{"A":"` + bad + `"}}`, who},
		{"POST", deploy, `{"services":[{"service":"vault","branch":"main"}],"secrets":{"A":"` + bad + `"`, who},
		{"PUT", "/api/v1/sandboxes/" + vaultBox + "/routes/vault", `{"source":"url","url":"http://u:` + bad + `@127.0.0.1:9/"}`, who},
		{"PUT", "/api/v1/sandboxes/" + vaultBox + "/routes/vault", `{"source":"url","url":"http://127.0.0.1:9/?k=` + bad + `"}`, who},
		{"PUT", "/api/v1/sandboxes/" + vaultBox + "/routes/vault", `{"source":"` + bad + `"}`, who},
		{"GET", "/api/v1/audit?limit=" + bad, "", who},
		{"GET", "/api/v1/no-such-thing?token=" + bad, "", who},
	} {
		if status := v.call(t, c.method, c.path, c.body, c.header); status < 400 {
			t.Errorf("%s %s with %s: %d", c.method, c.path, c.body, status)
		}
	}
	if out, err := v.try("route", "to a URL with a password", "", "route", vaultBox, "vault", "http://u:"+v.mark("password in a route")+"@127.0.0.1:9/"); err == nil {
		t.Errorf("a route with a password was taken: %s", out)
	}
}

// deploys runs builds and services that print every secret they are given, in every form, and fail in every way.
func (v *vault) deploys(t *testing.T) {
	dir := t.TempDir()
	var flags []string
	for key, value := range map[string]string{
		"TOKEN":  v.awkward("one-line secret"),
		"PEM":    "-----BEGIN A KEY-----\n" + v.mark("first line of a secret") + "\n" + v.mark("second line of a secret") + "\n-----END A KEY-----\n",
		"SOURCE": v.mark("secret in the source"),
	} {
		write(t, dir, key, value)
		flags = append(flags, "--secret", key+"=@"+filepath.Join(dir, key))
	}
	v.sdp(t, append([]string{"deploy", vaultBox, "vault@main", "front@main", "--wait"}, flags...)...)
	for _, c := range []struct{ what, printed string }{
		{"vault@broken", "cannot use"}, {"vault@crash", "the end"}, {"front@broken", "about to fail"}, {"front@crash", "the end"},
	} {
		out, err := v.try("deploy", c.what, "", "deploy", vaultBox, c.what, "--wait")
		if err == nil || !strings.Contains(out, c.printed) || !strings.Contains(out, "***") {
			t.Errorf("deploy %s ended with %v and does not show %q with secrets masked:\n%s", c.what, err, c.printed, out)
		}
	}
	d := askJSON[[]rest.Deployment](t, v.installation, "deploy", vaultBox, "vault@never")[0]
	v.waitState(t, vaultBox, d.ID, time.Minute, sdp.StartingContainer)
	v.sdp(t, "cancel", d.ID, "--wait")
	v.repeat(t)
}

// repeat sends a secret under an Idempotency-Key: the request is remembered, its content must not be.
func (v *vault) repeat(t *testing.T) {
	header := maps.Clone(v.bearer(t))
	header["Idempotency-Key"] = "once"
	path := "/api/v1/sandboxes/" + vaultBox + "/deployments"
	body := `{"services":[{"service":"vault","branch":"main"}],"secrets":{"IDEM":"` + v.mark("secret under an Idempotency-Key") + `"}}`
	for _, c := range []struct {
		body string
		want int
	}{{body, 202}, {body, 202}, {body + " ", 422}} {
		if got := v.call(t, "POST", path, c.body, header); got != c.want {
			t.Errorf("under an Idempotency-Key: %d, want %d", got, c.want)
		}
	}
	eventually(t, time.Minute, func() error {
		if d := v.history(t, vaultBox)[0]; d.State != sdp.Running {
			return errorf("deployment %s is %s", d.ID, d.State)
		}
		return nil
	})
}

// requests sends secrets through the sandbox, to services that answer and to those that do not.
func (v *vault) requests(t *testing.T) {
	url := v.sandbox(t, vaultBox).URL
	v.sdp(t, "stop", vaultBox, "front", "--wait")
	// What a browser sends that is signed in to the dashboard on the same host: cookies do not know ports.
	session := sdp.SessionCookie + "=" + strings.TrimPrefix(v.bearer(t)["Authorization"], "Bearer ")
	for _, path := range []string{"/vault/say", "/front/say", "/nobody/say"} {
		v.send(t, "POST", url+path+"?token="+v.mark("query of a request"), v.mark("body of a request"), map[string]string{
			"Authorization": "Bearer " + v.mark("header of a request"), "Cookie": session + "; id=" + v.mark("cookie of a request"),
			"X-SDP-Trace": "1",
		})
	}
	v.sdp(t, "restart", vaultBox, "front", "--wait")
	v.sdp(t, "trace", vaultBox, "/vault/say?token="+v.mark("query of a trace"))
	v.sdp(t, "trace", vaultBox, "/front/say?token="+v.mark("query of a trace"), "-o", "json")
}

// otherVerbs has everything shown that can be shown, and what a service printed arrive in its log.
func (v *vault) otherVerbs(t *testing.T) {
	v.sdp(t, "branches", "vault")
	for _, args := range [][]string{{"nodes"}, {"repos"}, {"sandbox", "list"}, {"sandbox", "show", vaultBox}, {"history"}, {"routes", vaultBox}, {"audit"}} {
		v.sdp(t, args...)
		v.sdp(t, append(args, "-o", "json")...)
	}
	for _, d := range v.history(t, vaultBox) {
		v.sdp(t, "logs", d.ID)
		for _, path := range []string{"", "/progress"} {
			v.call(t, "GET", "/api/v1/deployments/"+d.ID+path, "", v.bearer(t))
		}
	}
	for _, service := range []string{"vault", "front"} {
		eventually(t, 20*time.Second, func() error {
			if out := v.sdp(t, "logs", vaultBox+"/"+service); !strings.Contains(out, "the end") || !strings.Contains(out, "***") {
				return errorf("the log of %s lacks what it printed: %s", service, out)
			}
			return nil
		})
	}
}
