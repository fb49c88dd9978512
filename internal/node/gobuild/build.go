// Package gobuild runs `go build` on a node's host for a branch that anybody may have written: with an environment of its
// own, as a process group that a cancel or a time-out kills whole, and not before the commit's assembler files were looked
// at. What it says of a failure names who can do something about it: whoever wrote the commit, or the node's operator.
package gobuild

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// Toolchain says how `go build` runs on this node.
type Toolchain struct {
	Timeout time.Duration
	Online  bool   // modules may be downloaded
	Cache   string // GOCACHE
	Modules string // GOMODCACHE
	Version string // of the node's toolchain, "go1.26.8"
	Home    string // HOME of a build
}

// flags decide what comes out, so they are part of an image's name. -trimpath keeps the build cache warm across
// checkouts, which each have a directory of their own.
var flags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w"}

// Key identifies everything about the toolchain that decides what comes out.
func (t Toolchain) Key() string { return t.Version + " " + strings.Join(flags, " ") }

// Binary is where a build leaves its result, relative to the checkout.
const Binary = ".sdp-build/service"

// Job is a commit of a repository to build, checked out in Dir.
type Job struct {
	Repository string
	SHA        string
	Dir        string
	Package    string // below Dir; "" = Dir itself
	Log        *logs.Stream
}

// Build builds a job. A cancel kills its whole process group; Build then returns the context's error. Errors:
// "compile-error", "module-missing", "module-undeclared", "unsafe-commit", "build-timeout", "build-killed"; ENOSPC where
// the disk is full.
func (t Toolchain) Build(ctx context.Context, j Job) error {
	if err := checkAssembly(j.Dir); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, t.Timeout)
	defer cancel()
	args := append([]string{"build"}, flags...)
	args = append(args, "-o", Binary, packagePath(j.Package))
	j.Log.Printf("BUILD", "go %s", strings.Join(args, " "))

	cmd := command(limited, j.Dir, "go", args...)
	cmd.Env = t.environment()
	var output ends
	cmd.Stdout = io.MultiWriter(j.Log, &output)
	cmd.Stderr = cmd.Stdout
	err := runLocked(cmd)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		return TooLong(t.Timeout)
	}
	said := strings.ReplaceAll(j.Log.Mask(output.String()), j.Dir+"/", "") // where it is built helps nobody
	return failureOf(j, said, err)
}

// TooLong says that a build was killed because it took longer than the node allows.
func TooLong(limit time.Duration) error {
	return sdp.Errorf(sdp.Failed, "build-timeout", "the build took longer than %s and was killed", limit).
		WithRemedy("make it faster, or raise builds.timeout in the node's configuration")
}

func packagePath(build string) string {
	if build == "" || build == "." {
		return "."
	}
	return "./" + filepath.ToSlash(filepath.Clean(build))
}

// environment is all a build sees: nothing of the worker's own environment but what the toolchain needs. Without a directory
// for its telemetry go leaves no process behind that counts in the background, outside of the group that a cancel kills.
func (t Toolchain) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.Home, "XDG_CONFIG_HOME=/dev/null", "LANG=C.UTF-8", "CGO_ENABLED=0", "GOTOOLCHAIN=local",
		"GOWORK=off", "GOENV=off", "GOFLAGS=", "GOCACHE=" + t.Cache, "GOMODCACHE=" + t.Modules}
	if !t.Online {
		return append(env, "GOPROXY=off", "GONOSUMDB=*", "GONOSUMCHECK=1")
	}
	for _, key := range []string{"GOPROXY", "GOPRIVATE", "GONOSUMDB", "GOSUMDB", "HTTPS_PROXY", "NO_PROXY"} {
		if v, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+v)
		}
	}
	return env
}

// ends keeps the first and the last bytes written to it, enough to recognise what went wrong.
type ends struct{ head, tail bytes.Buffer }

func (e *ends) Write(p []byte) (int, error) {
	const limit = 64 << 10
	n := len(p)
	if room := limit - e.head.Len(); room > 0 {
		e.head.Write(p[:min(room, n)])
		p = p[min(room, n):]
	}
	if len(p) == 0 {
		return n, nil
	}
	e.tail.Write(p[max(0, len(p)-limit):])
	if e.tail.Len() > 2*limit {
		kept := bytes.Clone(e.tail.Bytes()[e.tail.Len()-limit:])
		e.tail.Reset()
		e.tail.Write(kept)
	}
	return n, nil
}

func (e *ends) String() string { return e.head.String() + e.tail.String() }
