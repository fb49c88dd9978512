package activities

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"sdp/internal/docker"
	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// Builder says how `go build` runs on this node.
type Builder struct {
	Timeout time.Duration
	Online  bool   // modules may be downloaded
	Memory  int64  // bytes each RUN step of a Dockerfile may use
	Cache   string // GOCACHE
	Modules string // GOMODCACHE
	Version string // of the node's toolchain, "go1.26.8"
}

// buildFlags decide what comes out, so they are part of an image's name. -trimpath keeps the build cache warm across
// checkouts, which each have a directory of their own.
var buildFlags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w"}

// Key identifies everything about the builder that decides what comes out.
func (b Builder) Key() string { return b.Version + " " + strings.Join(buildFlags, " ") }

// binary is where a build leaves its result, relative to the checkout.
const binary = ".sdp-build/service"

// outputTail is how much of a compiler's or container's output a failure carries, in bytes.
const outputTail = 4 << 10

// Build runs `go build` on the host. A cancel kills its whole process group. Errors: "compile-error",
// "module-missing", "module-undeclared", "build-timeout", "disk-full".
func (h *Host) Build(ctx context.Context, in SourceInput) (string, error) {
	var took time.Duration
	err := h.do(ctx, func(ctx context.Context) error {
		given, err := h.confidential(in.Secrets, in.Deployment)
		if err != nil {
			return err
		}
		return h.logged(in.Deployment, given.secrets(), func(log *logs.Stream) error {
			began := time.Now()
			defer func() { took = time.Since(began) }()
			return h.build(ctx, in, log)
		})
	})
	return "go build took " + took.Round(time.Millisecond).String(), err
}

func (h *Host) build(ctx context.Context, in SourceInput, log *logs.Stream) error {
	repo, err := h.repository(in.Repository)
	if err != nil {
		return err
	}
	if err := h.needDisk(); err != nil {
		return err
	}
	if err := h.needCheckout(ctx, in, log); err != nil {
		return err
	}
	if err := checkAssembly(h.checkoutDir(in.Deployment)); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, h.Builder.Timeout)
	defer cancel()
	args := append([]string{"build"}, buildFlags...)
	args = append(args, "-o", binary, packagePath(repo.Build))
	log.Printf("BUILD", "go %s", strings.Join(args, " "))

	cmd := command(limited, h.checkoutDir(in.Deployment), "go", args...)
	cmd.Env = h.Builder.environment(h.Data)
	var tail tailWriter
	cmd.Stdout = io.MultiWriter(log, &tail)
	cmd.Stderr = cmd.Stdout
	err = runLocked(cmd)
	switch {
	case err == nil:
		log.Printf("BUILD", "done")
		return nil
	case ctx.Err() != nil:
		log.Printf("BUILD", "killed")
		return ctx.Err()
	case limited.Err() != nil:
		return sdp.Errorf(sdp.Failed, "build-timeout", "the build took longer than %s and was killed", h.Builder.Timeout).
			WithRemedy("make it faster, or raise builds.timeout in the node's configuration")
	}
	said := strings.ReplaceAll(log.Mask(tail.String()), h.checkoutDir(in.Deployment)+"/", "") // where it is built helps nobody
	return &OutputError{Err: buildError(h.Node, in, said, err), Output: log.TailOwn(outputTail)}
}

// needCheckout checks the commit out if that is not there: an earlier attempt's worker may have died and its successor
// cleaned up.
func (h *Host) needCheckout(ctx context.Context, in SourceInput, log *logs.Stream) error {
	_, err := os.Stat(h.checkoutDir(in.Deployment))
	if errors.Is(err, os.ErrNotExist) {
		return h.checkout(ctx, in, log)
	}
	return err
}

func packagePath(build string) string {
	if build == "" || build == "." {
		return "."
	}
	return "./" + filepath.ToSlash(filepath.Clean(build))
}

// environment is all a build sees: nothing of the worker's own environment but what the toolchain needs.
func (b Builder) environment(home string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LANG=C.UTF-8", "CGO_ENABLED=0", "GOTOOLCHAIN=local",
		"GOWORK=off", "GOENV=off", "GOFLAGS=", "GOCACHE=" + b.Cache, "GOMODCACHE=" + b.Modules}
	if !b.Online {
		return append(env, "GOPROXY=off", "GONOSUMDB=*", "GONOSUMCHECK=1")
	}
	for _, key := range []string{"GOPROXY", "GOPRIVATE", "GONOSUMDB", "GOSUMDB", "HTTPS_PROXY", "NO_PROXY"} {
		if v, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+v)
		}
	}
	return env
}

// command makes a process that is killed as a group when ctx ends, and with the worker if that dies.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second // a grandchild that kept the pipe open must not hold us
	return cmd
}

// runLocked runs cmd from a locked thread: the parent whose death kills the child is the thread that started it
// (prctl(2), PR_SET_PDEATHSIG), and Go may otherwise end that thread.
func runLocked(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	if err != nil && cmd.Process != nil {
		awaitGroup(cmd.Process.Pid)
	}
	return err
}

// What go says of a module that is declared but cannot be downloaded, and of one that the commit does not declare.
const moduleLookup = "module lookup disabled by GOPROXY=off"

var undeclaredModule = []string{"no required module provides package", "cannot find module providing package",
	"missing go.sum entry", "updates to go.mod needed"}

func buildError(node string, in SourceInput, output string, err error) *sdp.Error {
	is := func(text string) bool { return strings.Contains(output, text) }
	switch {
	case is("no space left on device"):
		return diskFull(node, "go build could not write")
	case is(moduleLookup):
		return sdp.Errorf(sdp.Failed, "module-missing", "%s needs %s, which is not on the node", in.Repository, wanted(output)).
			WithRemedy("run `go mod download` in the clone on the node, vendor the module, or set builds.online in the node's configuration")
	case slices.ContainsFunc(undeclaredModule, is):
		return sdp.Errorf(sdp.Failed, "module-undeclared", "go.mod and go.sum of %s do not fit what it imports at %s: %s",
			in.Repository, sdp.ShortSHA(in.SHA), firstProblem(output)).
			WithRemedy("run `go mod tidy`, commit go.mod and go.sum, push, and deploy again")
	case errors.Is(err, exec.ErrNotFound):
		return sdp.Errorf(sdp.Internal, "no-go", "there is no `go` on the node").WithRemedy("install Go there and restart the worker")
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return sdp.Errorf(sdp.Internal, "build-broken", "go build could not be run: %w", err)
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return sdp.Errorf(sdp.Failed, "build-killed", "go build was killed by signal %d (%s)", status.Signal(), status.Signal()).
			WithRemedy("if the node ran out of memory, lower builds.concurrency in its configuration; then deploy again")
	}
	return sdp.Errorf(sdp.Failed, "compile-error", "%s does not compile at %s: %s", in.Repository, sdp.ShortSHA(in.SHA),
		firstProblem(output)).WithRemedy("mend it, push, and deploy again; the log has all the compiler said")
}

var downloading = regexp.MustCompile(`(?m)^go: downloading (\S+ \S+)$`)

// wanted names the modules that go build tried to download.
func wanted(output string) string {
	var names []string
	for _, found := range downloading.FindAllStringSubmatch(output, 4) {
		names = append(names, found[1])
	}
	switch {
	case len(names) == 0:
		return "a module"
	case len(names) > 3:
		return strings.Join(names[:3], ", ") + " and more"
	}
	return strings.Join(names, ", ")
}

// firstProblem is the first line of a compiler's output that names a place.
func firstProblem(output string) string {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "go: downloading") {
			if len(line) > 300 {
				line = line[:300] + "..."
			}
			return line
		}
	}
	return "go build failed without saying why"
}

// Image makes the image of a built binary, or builds the repository's Dockerfile, and removes the checkout.
func (h *Host) Image(ctx context.Context, in SourceInput) (string, error) {
	err := h.do(ctx, func(ctx context.Context) error {
		given, err := h.confidential(in.Secrets, in.Deployment)
		if err != nil {
			return err
		}
		return h.claims.whileMaking(in.Deployment, in.Image, func() error {
			return h.logged(in.Deployment, given.secrets(), func(log *logs.Stream) error { return h.image(ctx, in, log) })
		})
	})
	return in.Image, err
}

func (h *Host) image(ctx context.Context, in SourceInput, log *logs.Stream) error {
	repo, err := h.repository(in.Repository)
	if err != nil {
		return err
	}
	dir := h.checkoutDir(in.Deployment)
	labels := map[string]string{sdp.LabelInstance: h.Instance, sdp.LabelRepository: repo.Name, sdp.LabelSHA: in.SHA}
	log.Printf("IMAGE", "making %s", in.Image)
	if repo.Kind == sdp.GoRepository {
		err = h.assemble(ctx, in, repo, labels, log)
	} else if err = h.needCheckout(ctx, in, log); err == nil {
		err = h.Docker.BuildImage(ctx, h.dockerfileBuild(in, repo, labels), log)
	}
	if err != nil {
		if sdp.KindOf(err) == sdp.Failed {
			return &OutputError{Err: err, Output: log.TailOwn(outputTail)}
		}
		return diskError(h.Node, "making the image", err)
	}
	log.Printf("IMAGE", "made %s", in.Image)
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the checkout: %w", err)
	}
	return nil
}

// assemble puts the built binary on its base image. A binary that is gone with an earlier attempt is built again.
func (h *Host) assemble(ctx context.Context, in SourceInput, repo Repository, labels map[string]string, log *logs.Stream) error {
	path := filepath.Join(h.checkoutDir(in.Deployment), binary)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := h.build(ctx, in, log); err != nil {
			return err
		}
	}
	return h.Docker.AssembleGoImage(ctx, docker.GoImage{Ref: in.Image, Base: repo.BaseImage, Name: repo.Name,
		Binary: path, Labels: labels, Port: repo.Port})
}

// tailWriter keeps the first and the last bytes written to it, enough to recognise what went wrong.
type tailWriter struct{ head, tail bytes.Buffer }

func (t *tailWriter) Write(p []byte) (int, error) {
	const limit = 64 << 10
	n := len(p)
	if room := limit - t.head.Len(); room > 0 {
		t.head.Write(p[:min(room, n)])
		p = p[min(room, n):]
	}
	if len(p) == 0 {
		return n, nil
	}
	t.tail.Write(p[max(0, len(p)-limit):])
	if t.tail.Len() > 2*limit {
		kept := bytes.Clone(t.tail.Bytes()[t.tail.Len()-limit:])
		t.tail.Reset()
		t.tail.Write(kept)
	}
	return n, nil
}

func (t *tailWriter) String() string { return t.head.String() + t.tail.String() }

// dockerfileBuild says how a commit of a repository with a Dockerfile is built on this node.
func (h *Host) dockerfileBuild(in SourceInput, repo Repository, labels map[string]string) docker.DockerfileBuild {
	return docker.DockerfileBuild{Ref: in.Image, Dir: h.checkoutDir(in.Deployment), Dockerfile: repo.Dockerfile, Labels: labels,
		MemoryBytes: h.Builder.Memory, Online: h.Builder.Online}
}
