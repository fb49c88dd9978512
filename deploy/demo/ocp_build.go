package demo

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"sdp/internal/sdp"
)

// exportMain puts the files of the clone's main into a directory of their own under dir, unless they are there, and
// returns the commit and that directory. The clone's own working tree may be on any branch.
func exportMain(ctx context.Context, r Repository, dir string) (sha, target string, err error) {
	sha, err = runGit(ctx, r.Path, "rev-parse", "--verify", "refs/remotes/origin/main^{commit}")
	if err != nil {
		return "", "", sdp.Errorf(sdp.Invalid, "no-clone", "the shared environment needs a clone with main: %w", err).
			WithRemedy("seed the demo first")
	}
	target = filepath.Join(dir, r.Name+"-"+sdp.ShortSHA(sha))
	if _, err := os.Stat(target); err == nil {
		return sha, target, nil
	}
	temp := target + ".new"
	if err := errors.Join(os.RemoveAll(temp), os.MkdirAll(temp, 0o755)); err != nil {
		return "", "", err
	}
	archive, err := runGit(ctx, r.Path, "archive", "--format=tar", sha)
	if err != nil {
		return "", "", err
	}
	if err := untar(bytes.NewReader([]byte(archive)), temp); err != nil {
		return "", "", err
	}
	return sha, target, os.Rename(temp, target)
}

// untar writes the files and directories of a tar into dir and nowhere else.
func untar(r io.Reader, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir:
			err = root.MkdirAll(filepath.Clean(h.Name), 0o755)
		case tar.TypeReg:
			err = writeFile(root, h.Name, tr, fs.FileMode(h.Mode).Perm())
		}
		if err != nil {
			return err
		}
	}
}

func writeFile(root *os.Root, name string, content io.Reader, mode fs.FileMode) error {
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Close())
}

// buildGo builds the binary, unless it is there. The demo's services need the standard library only, so nothing may be
// downloaded.
func buildGo(ctx context.Context, dir, target, binary string) error {
	if _, err := os.Stat(binary); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(binary), 0o755); err != nil {
		return err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary+".new", target)
	build.Dir = dir
	build.Env = append(inherited("HOME", "GOCACHE", "GOPATH", "GOROOT", "TMPDIR"),
		"PATH="+hostPath(), "CGO_ENABLED=0", "GOWORK=off", "GOTOOLCHAIN=local", "GOPROXY=off", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		return sdp.Errorf(sdp.Failed, "build-failed", "the shared environment's %s does not build: %w: %s",
			filepath.Base(binary), err, bytes.TrimSpace(out))
	}
	return os.Rename(binary+".new", binary)
}

func inherited(keys ...string) []string {
	var env []string
	for _, k := range keys {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	return env
}

// hostPath is the PATH child processes get.
func hostPath() string {
	if p := os.Getenv("PATH"); p != "" {
		return p
	}
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
}
