package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"sdp/deploy/demo"
)

// as is the site as another user sees it, with a session of their own.
func (s *site) as(t *testing.T, user, password string) *installation {
	t.Helper()
	other := *s.installation
	other.home = t.TempDir()
	if err := other.login(user, password); err != nil {
		t.Fatal(err)
	}
	return &other
}

// A password that was changed after the login fails the deployment where it is used, with what to do; the session's
// other powers, and other people's sessions, are as before.
func TestPasswordChangedAfterLogin(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "services:\n  plain: {branch: main}\n")
	bob := *s
	bob.installation = s.as(t, "bob", "bob-demo")
	s.changeUsers(t, demo.User{Name: "alice", Password: "alice-demo"}, demo.User{Name: "bob", Password: "changed"})
	t.Cleanup(func() { s.changeUsers(t, demo.Users()...) })

	bob.failsWith(t, box.Name, "plain@feature/other", fault{
		step: "resolve", code: "wrong-credentials", detail: "the git server refused the user name or password for " + s.git.url,
		remedy: "sign in again: `sdp login`; an expired app password must be renewed on the git server first",
	})
	bob.fails(t, 1, []string{"refused the user name or password", "`sdp login`"}, "branches", "plain")
	bob.ok(t, "sandbox", "show", box.Name)
	s.ok(t, "deploy", box.Name, "plain@feature/other", "--wait")
	if err := bob.login("bob", "changed"); err != nil {
		t.Fatal(err)
	}
	bob.ok(t, "deploy", box.Name, "plain@main", "--wait")
}

func (s *site) changeUsers(t *testing.T, users ...demo.User) {
	t.Helper()
	if err := s.git.close(); err != nil {
		t.Fatal(err)
	}
	if err := s.git.serve(users...); err != nil {
		t.Fatal(err)
	}
}

// A session that was logged out is refused even where somebody kept its token.
func TestRevokedSession(t *testing.T) {
	s := lab(t)
	bob := s.as(t, "bob", "bob-demo")
	kept := *bob
	kept.home = t.TempDir()
	if err := os.CopyFS(kept.home, os.DirFS(bob.home)); err != nil {
		t.Fatal(err)
	}
	kept.ok(t, "sandbox", "list")
	bob.ok(t, "logout")
	for name, who := range map[string]*installation{"logged out": bob, "kept the token": &kept} {
		t.Run(name, func(t *testing.T) {
			t.Logf("what the user sees:\n%s", who.fails(t, 1, []string{"sdp login"}, "deploy", "any", "plain@main"))
		})
	}
}

// What can be wrong with a login is told apart.
func TestLoginFailuresAreToldApart(t *testing.T) {
	s := lab(t)
	login := func(t *testing.T, texts ...string) {
		t.Helper()
		other := *s.installation
		other.home = t.TempDir()
		err := other.login("bob", "not-bobs-password")
		want(t, err, append(texts, "login")...)
		if err != nil {
			unwanted(t, err.Error(), "not-bobs-password")
		}
	}
	t.Run("wrong password", func(t *testing.T) {
		login(t, "refused the user name or password")
	})
	t.Run("git server unreachable", func(t *testing.T) {
		if err := s.git.close(); err != nil {
			t.Fatal(err)
		}
		defer s.changeUsers(t, demo.Users()...)
		login(t, "the git server did not answer for "+s.git.url, "check that the node reaches the git server")
		box := s.newSandbox(t, "")
		s.failsWith(t, box.Name, "plain@main", fault{
			step: "resolve", code: "git-unreachable", detail: "the git server did not answer for " + s.git.url,
			remedy: "check that the node reaches the git server, then try again",
		})
	})
	t.Run("known repository missing", func(t *testing.T) {
		there := filepath.Join(s.git.root, "demo", "plain.git")
		if err := os.Rename(there, there+".away"); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := os.Rename(there+".away", there); err != nil {
				t.Error(err)
			}
		}()
		s.changeUsers(t, demo.User{Name: "bob", Password: "not-bobs-password"})
		defer s.changeUsers(t, demo.Users()...)
		login(t, "nobody can sign in", "login.repository of server.yaml")
	})
}
