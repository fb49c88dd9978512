package e2e

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sdp/deploy/demo"
	"sdp/internal/router/journal"
)

// Secrets go into an installation by every road there is: logins, deployments, builds and services that print them,
// requests, mistakes. Then everything the installation keeps, shows or runs is searched for them.
func TestSecretsAreNowhere(t *testing.T) {
	t.Setenv("SDP_LOG", "debug") // a secret in a debug line is one too many as well
	began := time.Now()
	v := newVault(t)
	v.mistakes(t)
	v.deploys(t)
	v.settings(t)
	v.requests(t)
	v.otherVerbs(t)

	hay, err := newHaystack(v.secrets(t))
	if err != nil {
		t.Fatal(err)
	}
	p, err := newPlaces(v.site, hay, began)
	if err != nil {
		t.Fatal(err)
	}
	canary := v.plantCanary(t, p)
	if err := p.search(t.Context()); err != nil { // while the sandbox lives
		t.Fatal(err)
	}
	canary(hay)
	v.sdp(t, "sandbox", "delete", vaultBox, "--wait")
	v.sdp(t, "audit", "-o", "json")
	if err := p.search(t.Context()); err != nil {
		t.Fatal(err)
	}
	v.sdp(t, "logout")
	if err := errors.Join(v.watch.close(), v.watch.search(hay, "sdp", "go", "compile", "link", "git", "temporald", "postgres")); err != nil {
		t.Error(err)
	}
	for name, text := range v.shown {
		hay.search(name, []byte(text))
	}
	hay.search("what `sdp up` printed", []byte(v.screen.String()))
	t.Logf("searched %d MB, %d processes, %d answers", hay.bytes>>20, len(v.watch.samples), len(v.shown))
	leaks, unused := hay.unexpected(allowances)
	for _, leak := range leaks {
		t.Errorf("leaked: %s", leak)
	}
	for _, a := range unused {
		t.Errorf("this allowance is not needed, remove it: %s", a)
	}
}

// allowances is where secrets may be. Everything else is a leak.
var allowances = []allowance{
	allow("canary", ".*", "planted by this test, to see that the search finds it"),
	allow("password of (postgres|sdp|temporal)", `data/keys/\w+\.password`, "where the role's owner reads it, mode 0600"),
	allow("token of .*", `data/keys/.*\.token`, "where the node's worker reads it, mode 0600"),
	allow(`\w+ master key`, `data/keys/master\.key`, "the key file itself, mode 0600"),
	allow("active codec key", `data/keys/codec\.keys`, "the key file itself, mode 0600"),
	allow(`\w+ node key of .*`, `data/(micro|gateway)-1/keys/node\.keys`, "the key file itself, mode 0600"),
	allow("mesh token", `data/(micro|gateway)-1/router\.state`, "a router must serve after a restart without anybody, mode 0600"),
	allow("session", `home/sdp/session`, "the CLI's login, mode 0600; the password is not in it"),
	allow("password in a clone's remote", `clones/vault/\.git/config`, "whoever cloned wrote it there; SDP must not carry it on"),
	allowArgument("password in a route", `sdp route`, "the user typed it as an argument"),
	allowArgument("query of a trace", `sdp trace`, "the user typed it as an argument"),
	allow("query of a trace", "output of `sdp trace`.*", "the service echoes it in its answer, which is what the user asked to see"),
}

const (
	vaultBox  = "vault-box"
	vaultUser = "mara"
)

// vault is an installation full of secrets.
type vault struct {
	*site
	watch  *watcher
	marked map[string]string // secrets by what they are: letters and digits that no escaping changes
	shown  map[string]string // what was printed or answered, by a name for it
	canary string            // planted to be found
}

// mark makes a secret's marker.
func (v *vault) mark(what string) string {
	if v.marked[what] == "" {
		v.marked[what] = "Mk" + rand.Text()[:14]
	}
	return v.marked[what]
}

// awkward is a value that every kind of escaping changes around its marker.
func (v *vault) awkward(what string) string { return `a"b\ c/d<&%+'é` + v.mark(what) + `$(x)=#` }

func newVault(t *testing.T) *vault {
	v := &vault{canary: "Mk" + rand.Text()[:14], marked: map[string]string{}, shown: map[string]string{}, watch: watchProcesses()}
	var err error
	if v.site, err = newSite("healthTimeout: 5s\n", vaultRepository(v.mark("secret in the source")), frontRepository(v.mark("secret in the source"))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.remove(); err != nil {
			t.Error(err)
		}
	})
	v.changeUsers(t, demo.User{Name: vaultUser, Password: v.awkward("password")})
	remote := "http://" + vaultUser + ":" + v.mark("password in a clone's remote") + "@" + v.git.address + "/scm/demo/vault.git"
	if err := errors.Join(setRemote(filepath.Join(v.clones, "vault"), remote), v.boot()); err != nil {
		t.Fatal(err)
	}
	v.try("login", "with a wrong password", v.mark("wrong password")+"\n", "login", "--server", v.url, "-u", vaultUser, "--password-stdin")
	v.run(t, "login", v.awkward("password")+"\n", "login", "--server", v.url, "-u", vaultUser, "--password-stdin")
	return v
}

// setRemote writes where a clone is from into its configuration. git would be given the password as an argument, which the
// test would see in the list of processes where nothing of SDP's put it.
func setRemote(clone, url string) error {
	path := filepath.Join(clone, ".git", "config")
	config, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	from := regexp.MustCompile(`(?m)^\s*url = .*$`)
	if !from.Match(config) {
		return fmt.Errorf("%s names no remote", path)
	}
	return os.WriteFile(path, from.ReplaceAllLiteral(config, []byte("\turl = "+url)), 0o600)
}

// try runs the CLI, keeps what it prints, and returns it.
func (v *vault) try(verb, how, stdin string, args ...string) (string, error) {
	out, err := v.cli(stdin, args...)
	v.shown[fmt.Sprintf("output of `sdp %s` %s (%d)", verb, how, len(v.shown))] = out
	return out, err
}

func (v *vault) run(t *testing.T, verb, stdin string, args ...string) string {
	t.Helper()
	out, err := v.try(verb, "", stdin, args...)
	if err != nil {
		t.Fatalf("sdp %s: %v\n%s", verb, err, out)
	}
	return out
}

func (v *vault) sdp(t *testing.T, args ...string) string {
	t.Helper()
	return v.run(t, strings.Join(args[:1], " "), "", args...)
}

// call sends a request to the API, keeps the whole answer, and returns its status.
func (v *vault) call(t *testing.T, method, path, body string, header map[string]string) int {
	t.Helper()
	return v.send(t, method, v.url+path, body, header)
}

func (v *vault) send(t *testing.T, method, url, body string, header map[string]string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if err := errors.Join(resp.Header.Write(&text), func() error { _, err := io.Copy(&text, resp.Body); return err }()); err != nil {
		t.Fatal(err)
	}
	v.shown[fmt.Sprintf("answer %d to %s %s (%d)", resp.StatusCode, method, req.URL.Path, len(v.shown))] = text.String()
	return resp.StatusCode
}

func (v *vault) bearer(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"Authorization": "Bearer " + v.token(t)}
}

// secrets returns all to be looked for: those planted and the installation's own.
func (v *vault) secrets(t *testing.T) map[string]string {
	t.Helper()
	all := maps.Clone(v.marked)
	all["canary"] = v.canary
	all["session"] = strings.TrimPrefix(v.bearer(t)["Authorization"], "Bearer ")
	for _, role := range []string{"postgres", "sdp", "temporal"} {
		all["password of "+role] = v.read(t, "keys", role+".password")
	}
	keys := map[string][]string{"master key": {"keys", "master.key"}, "codec key": {"keys", "codec.keys"}}
	for _, node := range []string{"micro-1", "gateway-1"} {
		all["token of "+node] = v.read(t, "keys", node+".token")
		keys["node key of "+node] = []string{node, "keys", "node.keys"}
		state, err := journal.Read(filepath.Join(v.data, node, "router.state"))
		if err != nil {
			t.Fatal(err)
		}
		all["mesh token"] = state.Tokens.Current
	}
	for name, path := range keys {
		for line := range strings.Lines(v.read(t, path...)) {
			if fields := strings.Fields(line); len(fields) == 4 { // id, state, since, key
				all[fields[1]+" "+name] = fields[3]
			}
		}
	}
	return all
}

func (v *vault) read(t *testing.T, path ...string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(append([]string{v.data}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}
