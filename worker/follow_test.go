package worker

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/git"
	"sdp/internal/node/gobuild"
	"sdp/internal/sdp"
)

// followed is an agent whose configuration the test edits.
type followed struct {
	*agent
	t    *testing.T
	path string
	text string
	edit time.Time
}

func follow(t *testing.T, text string) *followed {
	t.Helper()
	f := &followed{t: t, path: filepath.Join(t.TempDir(), "node.yaml"), edit: time.Now()}
	f.write(text)
	file, err := openConfig(f.path)
	if err != nil {
		t.Fatal(err)
	}
	f.agent = &agent{config: file.now, file: file, changed: make(chan struct{}, 1), log: slog.New(slog.DiscardHandler),
		server: newServer(file.now, "token")}
	f.equip(file.now.repositories(), gobuild.Toolchain{})
	return f
}

// write changes the file, at a time of its own however soon after the last.
func (f *followed) write(text string) {
	f.t.Helper()
	f.text, f.edit = text, f.edit.Add(time.Second)
	if err := errors.Join(os.WriteFile(f.path, []byte(text), 0o600), os.Chtimes(f.path, f.edit, f.edit)); err != nil {
		f.t.Fatal(err)
	}
}

// replace edits the file and has it read.
func (f *followed) replace(before, after string) error {
	f.t.Helper()
	if !strings.Contains(f.text, before) {
		f.t.Fatalf("the file lacks %q", before)
	}
	f.write(strings.Replace(f.text, before, after, 1))
	return f.reread()
}

// told reports whether the server is about to be told.
func (f *followed) told() bool {
	select {
	case <-f.changed:
		return true
	default:
		return false
	}
}

func TestRepositoriesCountAtOnce(t *testing.T) {
	dir := clone(t, "http://git.example.com/account.git")
	f := follow(t, fmt.Sprintf(good, dir))
	if err := f.reread(); err != nil || f.told() {
		t.Errorf("the file as it was: %v", err)
	}
	if err := f.replace("port: 8080", "port: 9090"); err != nil || !f.told() {
		t.Errorf("another port: %v", err)
	}
	if r := f.node.Sources.Repositories()["account"]; r.Port != 9090 {
		t.Errorf("the repository is %+v", r)
	}
	if err := f.replace("concurrency: 2", "concurrency: 3"); err != nil || !f.told() || f.node.Slots.Limit() != 3 {
		t.Errorf("%d builds at once: %v", f.node.Slots.Limit(), err)
	}
}

// What the agent is made of cannot change under it. It is made anew.
func TestOtherSettingsNeedAnotherAgent(t *testing.T) {
	f := follow(t, fmt.Sprintf(good, clone(t, "http://git.example.com/account.git")))
	if err := f.replace("drain: 30s", "drain: 40s"); !errors.Is(err, errOtherConfig) {
		t.Errorf("ended with %v", err)
	}
}

func TestFileThatCannotBeReadChangesNothing(t *testing.T) {
	f := follow(t, fmt.Sprintf(good, clone(t, "http://git.example.com/account.git")))
	if err := f.replace("port: 8080", "prot: 8080"); err != nil || f.told() || !strings.Contains(f.file.whyNot(), `unknown key "repositories[0].prot"`) {
		t.Errorf("ended with %v, and says %q", err, f.file.whyNot())
	}
	if r := f.node.Sources.Repositories()["account"]; r.Port != 8080 {
		t.Errorf("the repository is %+v", r)
	}
	if err := f.replace("prot: 8080", "port: 8081"); err != nil || !f.told() || f.file.whyNot() != "" {
		t.Errorf("mended, it ended with %v, and says %q", err, f.file.whyNot())
	}
}

// A repository that cannot be used is out, with the reason, until it is repaired; that needs no change of the file. The
// others' remotes stay what people were shown.
func TestOneRepositoryIsOut(t *testing.T) {
	bad, ok := clone(t, "git@git.example.com:account.git"), clone(t, "http://git.example.com/gateway.git")
	f := follow(t, strings.Replace(fmt.Sprintf(good, bad), "{name: gateway, path: "+bad, "{name: gateway, path: "+ok, 1))
	_, err := f.node.Sources.Repository("account")
	if e := sdp.AsError(err); e == nil || e.Code != "unusable-repository" || !strings.Contains(e.Detail, "http") {
		t.Errorf("account is usable: %v", err)
	}
	if _, err := f.node.Sources.Repository("gateway"); err != nil {
		t.Errorf("gateway: %v", err)
	}
	setRemote(t, ok, "http://elsewhere.example.com/gateway.git")
	if err := f.reread(); err != nil || f.told() {
		t.Errorf("nothing is repaired: %v", err)
	}
	setRemote(t, bad, "http://git.example.com/account.git")
	if err := f.reread(); err != nil || !f.told() {
		t.Errorf("repaired: %v", err)
	}
	all := f.node.Sources.Repositories()
	if r := all["account"]; r.Problem != "" || r.RemoteURL != "http://git.example.com/account.git" {
		t.Errorf("account is %+v", r)
	}
	if r := all["gateway"]; r.RemoteURL != "http://git.example.com/gateway.git" {
		t.Errorf("gateway fetches from %s", r.RemoteURL)
	}
}

func setRemote(t *testing.T, dir, url string) {
	t.Helper()
	path := filepath.Join(dir, ".git", "config")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, "url = ") {
			line = "\turl = " + url + "\n"
		}
		lines = append(lines, line)
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := git.Open(dir); err != nil && strings.HasPrefix(url, "http") {
		t.Fatal(err)
	}
}
