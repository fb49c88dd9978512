package worker

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/node"
	"sdp/internal/node/gobuild"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// keptClone is a clone of repository account that keeps three commits, last asked for long ago.
func keptClone(t *testing.T) (dir string, commits []string) {
	t.Helper()
	dir = t.TempDir()
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com",
			"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "-q")
	git("remote", "add", "origin", "http://git.test/account.git")
	old := time.Now().AddDate(0, -2, 0)
	for _, subject := range []string{"one", "two", "three"} {
		git("commit", "-q", "--allow-empty", "-m", subject)
		sha := git("rev-parse", "HEAD")
		git("update-ref", "refs/sdp/"+sha, sha)
		if err := os.Chtimes(filepath.Join(dir, ".git/refs/sdp", sha), old, old); err != nil {
			t.Fatal(err)
		}
		commits = append(commits, sha)
	}
	return dir, commits
}

func TestClonesKeepWhatContainersRun(t *testing.T) {
	t.Parallel()
	dir, commits := keptClone(t)
	a := &agent{log: slog.New(slog.DiscardHandler), server: &server{}, config: NodeConfig{Repositories: []wire.RepositoryConfig{{Name: "account", Path: dir}}}}
	a.equip(map[string]node.Repository{"account": {Path: dir}}, gobuild.Toolchain{})
	r := &reconciler{agent: a}
	left := func() int {
		entries, err := os.ReadDir(filepath.Join(dir, ".git/refs/sdp"))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	d := wire.Desired{Containers: []sdp.Container{{SHA: commits[1]}}, Busy: []sdp.ServiceRef{{Sandbox: "box", Service: "account"}}}
	r.pruneClones(d)
	if n := left(); n != 3 {
		t.Fatalf("%d commits are left while account is being deployed", n)
	}
	d.Busy = nil
	r.pruneClones(d)
	if n := left(); n != 3 {
		t.Fatalf("%d commits are left: it is not yet time again", n)
	}
	r.pruned = time.Time{}
	r.pruneClones(d)
	if _, err := os.Stat(filepath.Join(dir, ".git/refs/sdp", commits[1])); err != nil || left() != 1 {
		t.Errorf("%d commits are left (%v), want the one that runs", left(), err)
	}
}
