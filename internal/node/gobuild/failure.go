package gobuild

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"sdp/internal/sdp"
)

// What go says of a module that is declared but cannot be downloaded, and of one that the commit does not declare.
const moduleLookup = "module lookup disabled by GOPROXY=off"

var undeclaredModule = []string{"no required module provides package", "cannot find module providing package",
	"missing go.sum entry", "updates to go.mod needed"}

// failureOf says why a build failed, judging by what it printed.
func failureOf(j Job, output string, err error) error {
	is := func(text string) bool { return strings.Contains(output, text) }
	switch {
	case is("no space left on device"):
		return fmt.Errorf("go build could not write: %w", syscall.ENOSPC)
	case is(moduleLookup):
		return sdp.Errorf(sdp.Failed, "module-missing", "%s needs %s not on the node", j.Repository, wanted(output)).
			WithRemedy("run `go mod download` in the clone on the node, vendor the module, or set builds.online in the node's configuration")
	case slices.ContainsFunc(undeclaredModule, is):
		return sdp.Errorf(sdp.Failed, "module-undeclared", "go.mod and go.sum of %s do not fit what it imports at %s: %s",
			j.Repository, sdp.ShortSHA(j.SHA), firstProblem(output)).
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
	return sdp.Errorf(sdp.Failed, "compile-error", "%s does not compile at %s: %s", j.Repository, sdp.ShortSHA(j.SHA),
		firstProblem(output)).WithRemedy("mend it, push, and deploy again; the log has all the compiler said")
}

var downloading = regexp.MustCompile(`(?m)^go: downloading (\S+ \S+)$`)

// wanted names the modules that go build tried to download: "a v1, which is", "a v1 and b v2, which are".
func wanted(output string) string {
	var names []string
	for _, found := range downloading.FindAllStringSubmatch(output, 4) {
		names = append(names, found[1])
	}
	switch {
	case len(names) == 0:
		return "a module, which is"
	case len(names) == 1:
		return names[0] + ", which is"
	case len(names) > 3:
		return strings.Join(names[:3], ", ") + " and more, which are"
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last] + ", which are"
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
