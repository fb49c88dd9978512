package demo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// bareRepository is a repository of the git server. Its names have been checked: they are safe in paths.
type bareRepository struct {
	root, project, name string
}

func (b bareRepository) String() string { return b.project + "/" + b.name }

func (b bareRepository) path() string { return filepath.Join(b.root, b.project, b.name+".git") }

func (b bareRepository) exists() bool {
	_, err := os.Stat(filepath.Join(b.path(), "HEAD"))
	return err == nil
}

// create makes an empty repository with main as its default branch. It is renamed into place, so that a request that
// comes meanwhile sees all of it or nothing.
func (b bareRepository) create(ctx context.Context) error {
	project := filepath.Dir(b.path())
	if err := os.MkdirAll(project, 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(project, ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if _, err := runGit(ctx, temp, "init", "--quiet", "--bare", "--initial-branch=main", "--template=", "."); err != nil {
		return err
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	err = os.Rename(temp, b.path())
	if errors.Is(err, fs.ErrExist) || b.exists() { // somebody else's first push was first
		return nil
	}
	return err
}

// fixHead points HEAD to the only branch there is, if HEAD's own was never pushed: people push "master" too, and a
// clone of a repository without HEAD checks nothing out.
func (b bareRepository) fixHead(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := runGit(ctx, b.path(), "rev-parse", "--quiet", "--verify", "HEAD"); err == nil {
		return
	}
	list, err := runGit(ctx, b.path(), "for-each-ref", "--format=%(refname)", "refs/heads")
	if err != nil || list == "" {
		return
	}
	first, _, _ := strings.Cut(list, "\n")
	if _, err := runGit(ctx, b.path(), "symbolic-ref", "HEAD", first); err != nil {
		slog.Warn("Failed to set HEAD", "repository", b.String(), "error", err)
	}
}

// runGit runs git in dir and returns what it prints, without the last newline. Its errors carry what git said.
func runGit(ctx context.Context, dir string, args ...string) (string, error) {
	return pipeGit(ctx, dir, nil, args...)
}

// pipeGit is runGit with an input.
func pipeGit(ctx context.Context, dir string, input io.Reader, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, gitEnv(dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := bytes.TrimSpace(stderr.Bytes())
		return "", sdp.Errorf(sdp.Internal, "git-failed", "git failed in %s: %w: %s", dir, err, said)
	}
	return strings.TrimSuffix(stdout.String(), "\n"), nil
}

// gitEnv is the environment of git commands: nothing of the caller's configuration, no prompts, no secrets.
func gitEnv(home string) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C", "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=true",
		// git refuses repositories whose directory belongs to another user; here that user is whoever ran `sdp up`.
		"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*",
		// As the large git servers do: whoever asks for commits alone gets them without their files.
		"GIT_CONFIG_KEY_1=uploadpack.allowFilter", "GIT_CONFIG_VALUE_1=true",
	}
}
