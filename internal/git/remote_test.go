package git_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sdp/internal/git"
	"sdp/internal/sdp"
)

// The server that is asked, and shown, is the one git itself would fetch from.
func TestRemoteURLIsWhatGitFetchesFrom(t *testing.T) {
	t.Parallel()
	const a, b, c = "https://a.example/team/x.git", "https://b.example/x.git", "https://c.example/x.git"
	for name, config := range map[string][][2]string{
		"one URL":                  {{"remote.origin.url", a}},
		"a second URL":             {{"remote.origin.url", a}, {"remote.origin.url", b}},
		"three URLs":               {{"remote.origin.url", a}, {"remote.origin.url", b}, {"remote.origin.url", c}},
		"a URL to push to":         {{"remote.origin.url", a}, {"remote.origin.pushurl", b}},
		"the push URL comes first": {{"remote.origin.pushurl", b}, {"remote.origin.url", a}},
		"other remotes":            {{"remote.fork.url", b}, {"remote.origin.url", a}, {"remote.upstream.url", c}},
		"insteadOf":                {{"remote.origin.url", a}, {"url.https://b.example/.insteadOf", "https://a.example/"}},
		"insteadOf of a shorthand": {{"remote.origin.url", "corp:x.git"}, {"url.https://b.example/.insteadOf", "corp:"}},
		"insteadOf of another's":   {{"remote.origin.url", a}, {"url.https://b.example/.insteadOf", "https://c.example/"}},
		"pushInsteadOf":            {{"remote.origin.url", a}, {"url.https://b.example/.pushInsteadOf", "https://a.example/"}},
		"insteadOf rewrites once": {{"remote.origin.url", a}, {"url.https://b.example/.insteadOf", "https://a.example/"},
			{"url.https://c.example/.insteadOf", "https://b.example/"}},
		"the longest insteadOf, first": {{"remote.origin.url", a}, {"url.https://b.example/.insteadOf", "https://a.example/team/"},
			{"url.https://c.example/.insteadOf", "https://a.example/"}},
		"the longest insteadOf, last": {{"remote.origin.url", a}, {"url.https://c.example/.insteadOf", "https://a.example/"},
			{"url.https://b.example/.insteadOf", "https://a.example/team/"}},
		"the first of two equal ones": {{"remote.origin.url", a}, {"url.https://b.example/.insteadOf", "https://a.example/"},
			{"url.https://c.example/.insteadOf", "https://a.example/"}},
		"several prefixes of one base": {{"remote.origin.url", a}, {"url.https://b.example/.insteadOf", "corp:"},
			{"url.https://b.example/.insteadOf", "https://a.example/team/"}, {"url.https://c.example/.insteadOf", "https://a.example/"}},
		"insteadOf of the first URL only": {{"remote.origin.url", a}, {"remote.origin.url", b},
			{"url.https://c.example/.insteadOf", "https://b.example/"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := configured(t, config)
			if got, want := open(t, dir).RemoteURL(), run(t, dir, "ls-remote", "--get-url", "origin"); got != want {
				t.Errorf("RemoteURL = %s, git asks %s", got, want)
			}
		})
	}
}

func configured(t *testing.T, config [][2]string) string {
	t.Helper()
	dir := t.TempDir()
	run(t, dir, "init", "-q")
	for _, c := range config {
		run(t, dir, "config", "--add", c[0], c[1])
	}
	return dir
}

// What cannot be asked, or could not be shown, is refused. No error shows a password that is in the configuration.
func TestRemoteURLRefused(t *testing.T) {
	t.Parallel()
	const a, secret = "https://a.example/x.git", "s3cret"
	for name, test := range map[string]struct {
		config [][2]string
		code   string
	}{
		"no URL":              {[][2]string{{"remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"}}, "no-remote"},
		"a URL to push to":    {[][2]string{{"remote.origin.pushurl", a}}, "no-remote"},
		"two others":          {[][2]string{{"remote.fork.url", a}, {"remote.upstream.url", a}}, "no-remote"},
		"an empty URL first":  {[][2]string{{"remote.origin.url", ""}, {"remote.origin.url", a}}, "no-remote"},
		"an empty URL last":   {[][2]string{{"remote.origin.url", a}, {"remote.origin.url", ""}}, "no-remote"},
		"rewritten to ssh":    {[][2]string{{"remote.origin.url", a}, {"url.ssh://git@b.example/.insteadOf", "https://a.example/"}}, "remote-not-http"},
		"unknown shorthand":   {[][2]string{{"remote.origin.url", "corp:x.git"}}, "remote-not-http"},
		"a token in a query":  {[][2]string{{"remote.origin.url", a + "?private_token=" + secret}}, "remote-not-http"},
		"a password with ssh": {[][2]string{{"remote.origin.url", "ssh://u:" + secret + "@a.example/x"}}, "remote-not-http"},
		"a password, no URL":  {[][2]string{{"remote.origin.url", "https://u:" + secret + "@a.example:port/x"}}, "remote-not-http"},
		"a password, rewritten": {[][2]string{{"remote.origin.url", a},
			{"url.ftp://u:" + secret + "@b.example/.insteadOf", "https://a.example/"}}, "remote-not-http"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := git.Open(configured(t, test.config))
			wantCode(t, err, sdp.Invalid, test.code)
			if err != nil && strings.Contains(err.Error()+sdp.AsError(err).Remedy, secret) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

// Users and passwords in a clone's configuration are neither shown nor sent.
func TestRemoteURLWithoutUser(t *testing.T) {
	t.Parallel()
	for name, config := range map[string][][2]string{
		"in the URL":       {{"remote.origin.url", "https://u:s3cret@a.example/x.git"}},
		"by the rewriting": {{"remote.origin.url", "corp:x.git"}, {"url.https://u:s3cret@a.example/.insteadOf", "corp:"}},
	} {
		if got := open(t, configured(t, config)).RemoteURL(); got != "https://a.example/x.git" {
			t.Errorf("%s: RemoteURL = %s", name, got)
		}
	}
}

// A second URL is for pushing: its server must not learn the user's password.
func TestSecondURLIsNotAsked(t *testing.T) {
	t.Parallel()
	s, second := newServer(t), newServer(t)
	newAuthor(s)
	dir := s.clone()
	run(t, dir, "remote", "set-url", "--add", "origin", second.url())
	c := open(t, dir)
	if _, err := c.Resolve(context.Background(), "main", good); err != nil {
		t.Errorf("asking the first server: %v", err)
	}
	if c.RemoteURL() != s.url() {
		t.Errorf("RemoteURL = %s, want %s", c.RemoteURL(), s.url())
	}
	if asked := second.asked(); len(asked) > 0 {
		t.Errorf("the second server was asked %q", asked)
	}
}

// Whose configuration this process happens to find in its home must not decide whom all users' passwords go to.
func TestRemoteURLIgnoresConfigurationOfTheProcess(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	rewrite := "[url \"https://b.example/\"]\n\tinsteadOf = https://a.example/\n"
	if err := os.WriteFile(filepath.Join(home, ".gitconfig"), []byte(rewrite), 0o600); err != nil {
		t.Fatal(err)
	}
	dir := configured(t, [][2]string{{"remote.origin.url", "https://a.example/x.git"}})
	if got := open(t, dir).RemoteURL(); got != "https://a.example/x.git" {
		t.Errorf("RemoteURL = %s", got)
	}
}
