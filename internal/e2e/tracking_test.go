package e2e

import (
	"strings"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/deploy/demo"
	"sdp/internal/sdp"
)

// watch is long enough for a server that looks at branches every two seconds.
const watch = 2 * time.Minute

// A tracked service follows its branch while nobody is signed in, and what goes wrong with that is told.
func TestTracking(t *testing.T) {
	s := lab(t)
	own := s.newBranch(t, "probe")
	box := s.newSandbox(t, "services:\n  probe: {branch: "+own.name+", track: true}\n")
	if a := s.sandbox(t, box.Name).Attention; len(a) != 1 || a[0].Code != "tracking-needs-credential" || !strings.Contains(a[0].Remedy, "sdp track credential store") {
		t.Errorf("without stored credentials: %+v", a)
	}
	s.ok(t, "track", "credential", "store")
	t.Cleanup(func() { s.ok(t, "track", "credential", "delete") })
	unwanted(t, s.ok(t, "track", "credential", "show", "-o", "json"), "alice-demo")

	s.ok(t, "logout")
	t.Cleanup(func() {
		if err := s.login("alice", "alice-demo"); err != nil {
			t.Error(err)
		}
	})
	sha := own.push(t, files{"note.go": "package main\n\nvar _ = \"followed\"\n"})
	eventually(t, watch, func() error {
		a, err := get(box.URL + "/probe/")
		if err == nil && !strings.Contains(a.body, sha) {
			err = errorf("the probe still answers %s, want commit %s", a.body, sha)
		}
		return err
	})
	if err := s.login("alice", "alice-demo"); err != nil {
		t.Fatal(err)
	}
	t.Run("broken commit", func(t *testing.T) { s.triedOnce(t, box, own, sha) })
	t.Run("changed password", func(t *testing.T) { s.stopsAsking(t, box, own) })
	t.Run("branch deleted", func(t *testing.T) { s.branchGone(t, box, own) })
}

// triedOnce pushes a commit that does not build: it is tried, once, and what served goes on.
func (s *site) triedOnce(t *testing.T, box rest.Sandbox, own *branch, serving string) {
	broken := own.push(t, files{"note.go": "package main\n\nvar broken int = \"not a number\"\n"})
	var tried rest.Deployment
	eventually(t, watch, func() error {
		if tried = s.history(t, box.Name)[0]; tried.SHA != broken || !tried.Settled {
			return errorf("the newest deployment is %s of %s, %s; want %s", tried.ID, tried.SHA, tried.State, broken)
		}
		return nil
	})
	if tried.State != sdp.DeployFailed || tried.Failure == nil || tried.Failure.Code != "compile-error" {
		t.Errorf("the broken commit ended %s, %+v", tried.State, tried.Failure)
	}
	s.awaitLook(t, box, 2)
	if now := s.history(t, box.Name)[0]; now.ID != tried.ID {
		t.Errorf("the broken commit was tried again: %s after %s", now.ID, tried.ID)
	}
	if p := probe(t, box.URL, ""); p.SHA != serving {
		t.Errorf("probe runs %s, want %s", p.SHA, serving)
	}
}

// awaitLook waits until the branch has been looked at n more times.
func (s *site) awaitLook(t *testing.T, box rest.Sandbox, n int) {
	t.Helper()
	looked := func() time.Time {
		for _, w := range askJSON[[]rest.TrackedService](t, s.installation, "track", "list", box.Name) {
			if w.Service == "probe" {
				return w.CheckedAt
			}
		}
		t.Fatal("`sdp track list` does not list probe")
		return time.Time{}
	}
	for range n {
		last := looked()
		eventually(t, watch, func() error {
			if !looked().After(last) {
				return errorf("the branch was not looked at since %s", last)
			}
			return nil
		})
	}
}

// stopsAsking changes the password at the git server: the stored one is not tried again and again, and the owner is told.
func (s *site) stopsAsking(t *testing.T, box rest.Sandbox, own *branch) {
	s.changeUsers(t, demo.User{Name: "alice", Password: "changed"}, demo.User{Name: "bob", Password: "bob-demo"})
	restored := false
	restore := func() {
		if restored {
			return
		}
		restored = true
		s.changeUsers(t, demo.Users()...)
	}
	t.Cleanup(restore)
	s.awaitAttention(t, box, "tracking-stopped", "sdp track credential store")
	t.Logf("what the user sees:\n%s", s.ok(t, "track", "credential", "show"))
	c := askJSON[rest.TrackingCredential](t, s.installation, "track", "credential", "show")
	if !strings.Contains(c.Problem, "refused") {
		t.Errorf("the credentials: %+v", c)
	}
	restore()
	s.ok(t, "track", "credential", "store")
	if a := s.sandbox(t, box.Name).Attention; len(a) > 0 {
		t.Errorf("after storing anew: %+v", a)
	}
}

func (s *site) awaitAttention(t *testing.T, box rest.Sandbox, code, remedy string) {
	t.Helper()
	eventually(t, watch, func() error {
		for _, a := range s.sandbox(t, box.Name).Attention {
			if a.Code == code {
				if !strings.Contains(a.Remedy, remedy) {
					t.Errorf("%s does not say %q: %+v", code, remedy, a)
				}
				return nil
			}
		}
		return errorf("nothing says %s", code)
	})
	if out := s.ok(t, "sandbox", "show", box.Name); !strings.Contains(out, "!") || !strings.Contains(out, remedy) {
		t.Errorf("`sdp sandbox show` does not tell:\n%s", out)
	}
}

// branchGone deletes the branch upstream: the sandbox is marked, the audit knows, what runs goes on.
func (s *site) branchGone(t *testing.T, box rest.Sandbox, own *branch) {
	own.remove(t)
	s.awaitAttention(t, box, "branch-gone", "sdp deploy "+box.Name)
	if serviceOf(t, s.sandbox(t, box.Name), "probe").BranchGone.IsZero() {
		t.Error("the service is not marked")
	}
	var told bool
	for _, e := range askJSON[[]rest.AuditEvent](t, s.installation, "audit", "--sandbox", box.Name) {
		told = told || e.Action == "branch.gone" && e.Branch == own.name && e.Service == "probe"
	}
	if !told {
		t.Errorf("the audit does not know:\n%s", s.ok(t, "audit", "--sandbox", box.Name))
	}
	probe(t, box.URL, "")
	if out := s.ok(t, "sandbox", "list"); !strings.Contains(out, own.name) || !strings.Contains(out, "!") {
		t.Errorf("`sdp sandbox list` does not mark it:\n%s", out)
	}
}
