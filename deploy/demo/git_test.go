package demo

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sdp/internal/sdp"
)

// developer uses git as a person would, with the password in a credential store.
type developer struct {
	dir  string // working tree
	args []string
}

func newDeveloper(t *testing.T, server string, user User) developer {
	t.Helper()
	home := t.TempDir()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user.Name, user.Password)
	store := filepath.Join(home, "credentials")
	if err := os.WriteFile(store, []byte(u.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return developer{dir: t.TempDir(), args: []string{
		"-c", "credential.helper=store --file=" + store, "-c", "user.name=" + user.Name, "-c", "user.email=a@example.com",
	}}
}

func (d developer) git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := runGit(t.Context(), d.dir, append(d.args, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// commit starts a repository with one file.
func (d developer) commit(t *testing.T, branch string, content []byte) {
	t.Helper()
	d.git(t, "init", "--quiet", "--initial-branch="+branch)
	if err := os.WriteFile(filepath.Join(d.dir, "file"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	d.git(t, "add", ".")
	d.git(t, "commit", "--quiet", "-m", "first")
}

// gitServer starts a git server of the test's own.
func gitServer(t *testing.T, git string) (url, root string) {
	t.Helper()
	accounts, err := NewAccounts(Users()...)
	if err != nil {
		t.Fatal(err)
	}
	root = t.TempDir()
	handler, err := newGitHandler(root, accounts)
	if err != nil {
		t.Fatal(err)
	}
	if git != "" {
		handler = &gitHandler{root: root, git: git, users: accounts}
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL, root
}

func TestFirstPushCreatesTheRepository(t *testing.T) {
	for _, branch := range []string{"main", "master"} {
		t.Run(branch, func(t *testing.T) {
			server, _ := gitServer(t, "")
			d := newDeveloper(t, server, Users()[1])
			d.commit(t, branch, []byte("hello"))
			d.git(t, "push", "--quiet", server+"/scm/team/own.repo.git", branch)

			d.git(t, "clone", "--quiet", server+"/scm/team/own.repo.git", "cloned")
			got, err := os.ReadFile(filepath.Join(d.dir, "cloned", "file"))
			if err != nil || string(got) != "hello" {
				t.Errorf("cloned file = %q, %v", got, err)
			}
		})
	}
}

func TestBigPush(t *testing.T) {
	server, _ := gitServer(t, "")
	d := newDeveloper(t, server, Users()[0])
	content := make([]byte, 8<<20) // above http.postBuffer git sends chunks
	rand.Read(content)
	d.commit(t, "main", content)
	d.git(t, "push", "--quiet", server+"/scm/demo/big.git", "main")
	d.git(t, "clone", "--quiet", server+"/scm/demo/big.git", "cloned")
	got, err := os.ReadFile(filepath.Join(d.dir, "cloned", "file"))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("the file came back changed (%d bytes, %v)", len(got), err)
	}
}

func TestFirstPushesAtOnce(t *testing.T) {
	server, root := gitServer(t, "")
	var all sync.WaitGroup
	for i := range 6 {
		d := newDeveloper(t, server, Users()[i%2])
		branch := fmt.Sprint("branch-", i)
		d.commit(t, branch, []byte(branch))
		all.Go(func() {
			push := append(d.args, "push", "--quiet", server+"/scm/demo/race.git", branch)
			if _, err := runGit(t.Context(), d.dir, push...); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	refs, err := runGit(t.Context(), filepath.Join(root, "demo", "race.git"), "for-each-ref", "--format=%(refname:short)")
	if got := strings.Fields(refs); err != nil || len(got) != 6 {
		t.Errorf("branches = %v, %v", got, err)
	}
	if left, _ := filepath.Glob(filepath.Join(root, "demo", ".new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRefusals(t *testing.T) {
	const refs = "/info/refs?service=git-upload-pack"
	alice, stranger := Users()[0], User{Name: "stranger-7c1", Password: "secret-93a"}
	tests := []struct {
		name   string
		user   User
		path   string
		status int
	}{
		{"no credentials", User{}, "/scm/demo/account.git" + refs, 401},
		{"wrong password", User{"alice", "wrong-5d2"}, "/scm/demo/account.git" + refs, 401},
		{"unknown user", stranger, "/scm/demo/account.git" + refs, 401},
		{"push without credentials", User{}, "/scm/demo/new.git/info/refs?service=git-receive-pack", 401},
		{"right", alice, "/scm/demo/account.git" + refs, 200},
		{"missing repository", alice, "/scm/demo/nothing.git" + refs, 404},
		{"no service", alice, "/scm/demo/account.git/info/refs", 404},
		{"dumb protocol", alice, "/scm/demo/account.git/HEAD", 404},
		{"config", alice, "/scm/demo/account.git/config", 404},
		{"traversal", alice, "/scm/demo/..%2f..%2fetc.git" + refs, 404},
		{"traversal by project", alice, "/scm/%2e%2e/account.git" + refs, 404},
		{"traversal by first push", alice, "/scm/demo/..%2fx.git/info/refs?service=git-receive-pack", 404},
		{"option for a name", alice, "/scm/demo/--upload-pack=x.git" + refs, 404},
		{"hidden", alice, "/scm/demo/.git" + refs, 404},
		{"without .git", alice, "/scm/demo/account" + refs, 404},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, world.gitURL+tt.path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.user.Name != "" {
				req.SetBasicAuth(tt.user.Name, tt.user.Password)
			}
			resp, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusTemporaryRedirect {
				resp.StatusCode = 404 // ServeMux cleans ".." away: what it points to is asked for, and refused, anew
			}
			if resp.StatusCode != tt.status {
				t.Errorf("status = %d, want %d", resp.StatusCode, tt.status)
			}
			if tt.status == 401 && !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic realm=") {
				t.Errorf("WWW-Authenticate = %q", resp.Header.Get("WWW-Authenticate"))
			}
		})
	}
	for _, secret := range []string{"wrong-5d2", stranger.Name, stranger.Password, alice.Password} {
		if strings.Contains(world.log.String(), secret) {
			t.Errorf("the log shows %q", secret)
		}
	}
	if !strings.Contains(world.log.String(), "Refused git credentials") {
		t.Error("the log does not tell of the wrong password")
	}
}

func TestNoCredentialsReachGitProcesses(t *testing.T) {
	real, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	spy, seen := filepath.Join(t.TempDir(), "git"), filepath.Join(t.TempDir(), "seen")
	script := fmt.Sprintf("#!/bin/sh\n{ env; echo \"$0 $*\"; } >> %s\nexec %s \"$@\"\n", seen, real)
	if err := os.WriteFile(spy, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	server, _ := gitServer(t, spy)
	d := newDeveloper(t, server, Users()[0])
	d.commit(t, "main", []byte("x"))
	d.git(t, "push", "--quiet", server+"/scm/demo/spied.git", "main")
	got, err := os.ReadFile(seen)
	if err != nil || !bytes.Contains(got, []byte("http-backend")) {
		t.Fatalf("the spy saw %q, %v", got, err)
	}
	for _, secret := range []string{Users()[0].Password, "Basic ", "AUTHORIZATION"} {
		if bytes.Contains(got, []byte(secret)) {
			t.Errorf("git's environment or arguments show %q", secret)
		}
	}
}

func TestUsersFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users")
	if err := SaveUsers(path, User{"carol", "s3cret"}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	accounts, err := LoadUsers(path)
	if err != nil {
		t.Fatal(err)
	}
	for password, want := range map[string]bool{"s3cret": true, "": false, "S3cret": false} {
		for range 2 { // the second time from memory
			if got := accounts.check("carol", password); got != want {
				t.Errorf("check(%q) = %v", password, got)
			}
		}
	}

	if err := os.WriteFile(path, []byte("# ours\n\ncarol:in-the-clear\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = LoadUsers(path)
	if sdp.KindOf(err) != sdp.Invalid || !strings.Contains(err.Error(), path+":3") ||
		strings.Contains(err.Error(), "in-the-clear") {
		t.Errorf("error = %v", err)
	}
}

func TestRunGitSaysWhichPortIsHeld(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	err = RunGit(t.Context(), GitConfig{Listen: l.Addr().String(), Root: t.TempDir()})
	if sdp.AsError(err).Code != "port-held" || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Errorf("error = %v", err)
	}
}
