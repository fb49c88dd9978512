package node

import (
	"net/http/cgi"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sdp/internal/docker"
	"sdp/internal/git"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

// preflightYard is a yard with Docker and a clone of "account" from a git server that has a Dockerfile on main.
func preflightYard(t *testing.T) (y *yard, work string) {
	t.Helper()
	y = newYard(t, nil)
	client, err := docker.New("unix:///var/run/docker.sock", sdp.NewID("t"), "micro-1", netip.MustParsePrefix("10.214.128.0/18"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	work, bare, clone := filepath.Join(root, "work"), filepath.Join(root, "srv", "account.git"), filepath.Join(root, "clone")
	gitIn(t, root, "init", "-q", "--bare", "-b", "main", bare)
	gitIn(t, bare, "config", "uploadpack.allowReachableSHA1InWant", "true")
	server := httptest.NewServer(&cgi.Handler{Path: gitBackend(t), Env: []string{"GIT_PROJECT_ROOT=" + filepath.Join(root, "srv"), "GIT_HTTP_EXPORT_ALL=1"}})
	t.Cleanup(server.Close)
	gitIn(t, root, "init", "-q", "-b", "main", work)
	write(t, filepath.Join(work, "Dockerfile"), "FROM sdp.test/never:1\n", 0o644)
	gitIn(t, work, "add", "-A")
	gitIn(t, work, "commit", "-q", "-m", "first")
	gitIn(t, work, "remote", "add", "origin", bare)
	gitIn(t, work, "push", "-q", "origin", "main")
	gitIn(t, root, "clone", "-q", server.URL+"/account.git", clone)
	account := Repository{Path: clone, Repository: sdp.Repository{Name: "account", Kind: sdp.DockerfileRepository,
		RemoteURL: server.URL + "/account.git"}}
	y.equip(func(c *Config) { c.Runtime, c.Repositories = client, map[string]Repository{"account": account} })
	return y, work
}

func gitIn(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@test", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@test",
		"GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func gitBackend(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "git-http-backend")
}

func (y *yard) preflight(items ...planning.PreflightItem) planning.PreflightReport {
	y.t.Helper()
	report, err := y.Resolver.Preflight(y.t.Context(), items, git.Credentials{})
	if err != nil {
		y.t.Fatal(err)
	}
	return report
}

func TestPreflightSaysWhatABuildNeeds(t *testing.T) {
	y, work := preflightYard(t)
	first := gitIn(t, work, "rev-parse", "HEAD")
	gitIn(t, work, "checkout", "-q", "-b", "feature/login")
	write(t, filepath.Join(work, "Dockerfile"), "FROM alpine\n", 0o644)
	gitIn(t, work, "commit", "-q", "-am", "second")
	gitIn(t, work, "push", "-q", "origin", "feature/login")
	second := gitIn(t, work, "rev-parse", "HEAD")
	r := y.preflight(
		planning.PreflightItem{Service: "main", Repository: "account", Branch: "main"},
		planning.PreflightItem{Service: "unfetched", Repository: "account", Branch: "feature/login"},
		planning.PreflightItem{Service: "pinned", Repository: "account", SHA: first},
		planning.PreflightItem{Service: "typo", Repository: "account", Branch: "feature/logn"},
		planning.PreflightItem{Service: "vanished", Repository: "account", SHA: strings.Repeat("e", 40)},
		planning.PreflightItem{Service: "nowhere", Repository: "acount", Branch: "main"},
	)
	if r.Node != "micro-1" || r.DiskFree <= 0 || len(r.Results) != 6 {
		t.Fatalf("report %+v", r)
	}
	for i, want := range []struct{ sha, problem string }{
		{first, ""}, {second, ""}, {first, ""}, {"", "branch-not-found"}, {strings.Repeat("e", 40), "commit-vanished"},
		{"", "unknown-repository"},
	} {
		got := r.Results[i]
		problem := ""
		if got.Problem != nil {
			problem = got.Problem.Code
		}
		if got.SHA != want.sha || problem != want.problem || got.Vanished != (want.problem == "commit-vanished") || got.Cached {
			t.Errorf("%s: %+v, problem %q", got.Service, got, problem)
		}
	}
	if p := r.Results[3].Problem; p != nil && !strings.Contains(p.Remedy, "feature/login") {
		t.Errorf("the remedy names no branch that is called nearly the same: %q", p.Remedy)
	}
	if base := r.Results[0].Base; len(base) != 1 || base[0].Ref != "sdp.test/never:1" || base[0].Present ||
		!strings.Contains(base[0].Remedy, "docker save sdp.test/never:1") {
		t.Errorf("bases of main: %+v", base)
	}
	if base := r.Results[1].Base; len(base) != 1 || !base[0].Unknown {
		t.Errorf("bases of a commit that is not in the clone: %+v", base)
	}
	if r.Results[0].Need < 2*unknownImage || r.Results[0].Asked <= 0 {
		t.Errorf("main needs %d, asked for %s", r.Results[0].Need, r.Results[0].Asked)
	}
}

// A Dockerfile that sets SDP's labels is refused before anything is built.
func TestPreflightRefusesLabelsOfSDP(t *testing.T) {
	y, work := preflightYard(t)
	write(t, filepath.Join(work, "Dockerfile"), "FROM scratch\nLABEL a=b \\\n  sdp.deployment=d1\n", 0o644)
	gitIn(t, work, "commit", "-q", "-am", "labels")
	gitIn(t, work, "push", "-q", "origin", "main")
	gitIn(t, y.config.Repositories["account"].Path, "fetch", "-q")
	r := y.preflight(planning.PreflightItem{Service: "account", Repository: "account", Branch: "main"})
	if p := r.Results[0].Problem; p == nil || p.Code != "reserved-label" || !strings.HasPrefix(p.Detail, "line 2: LABEL sdp.deployment") {
		t.Errorf("problem %+v", p)
	}
}
