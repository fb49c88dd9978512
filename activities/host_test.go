package activities

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"sdp/internal/containers"
	"sdp/internal/logs"
	"sdp/internal/node"
	"sdp/internal/node/gobuild"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// site is the activities of a node that can build and nothing else. Its go is a program that says when it runs, and then
// takes for ever.
type site struct {
	t    *testing.T
	env  *testsuite.TestActivityEnvironment
	host *Host
	runs string // a named pipe that the program opens first
}

func hostOf(t *testing.T, n *node.Node, s Server) *Host {
	t.Helper()
	h, err := NewHost(n, s, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// noImages is a runtime that has none, and nothing else.
type noImages struct{ node.Runtime }

func (noImages) ImageInfo(context.Context, string) (i containers.Image, found bool, err error) {
	return
}

func newSite(t *testing.T) *site {
	t.Helper()
	data, bin := t.TempDir(), t.TempDir()
	spool, err := logs.OpenSpool(filepath.Join(data, "logs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { spool.Close() })
	checkout := filepath.Join(data, "checkouts", "d1")
	s := &site{t: t, runs: filepath.Join(data, "runs"), host: hostOf(t, node.New(node.Config{Name: "micro-1", Data: data, Spool: spool,
		Toolchain: gobuild.Toolchain{Timeout: time.Minute}, Runtime: noImages{},
		Repositories: map[string]node.Repository{"account": {Repository: sdp.Repository{Name: "account", Kind: sdp.GoRepository}}}}), nil)}
	err = errors.Join(syscall.Mkfifo(s.runs, 0o600), os.MkdirAll(checkout, 0o755), os.WriteFile(filepath.Join(checkout, "go.mod"), []byte("module account\n"), 0o644),
		os.WriteFile(filepath.Join(bin, "go"), []byte("#!/bin/sh\necho > "+s.runs+"\nexec sleep 1000\n"), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	var suite testsuite.WorkflowTestSuite
	s.env = suite.NewTestActivityEnvironment()
	s.env.SetTestTimeout(time.Minute)
	s.env.RegisterActivity(s.host)
	return s
}

// build begins a build, and returns when the program runs.
func (s *site) build() (ended <-chan error) {
	s.t.Helper()
	out := make(chan error, 1)
	go func() {
		_, err := s.env.ExecuteActivity(s.host.Build, wire.Job{Deployment: "d1", Repository: "account", SHA: commit})
		out <- err
	}()
	begun := make(chan error, 1)
	go func() {
		_, err := os.ReadFile(s.runs)
		begun <- err
	}()
	select {
	case err := <-begun:
		if err != nil {
			s.t.Fatal(err)
		}
	case err := <-out:
		s.t.Fatalf("the build ended: %v", err)
	}
	return out
}

func TestCancelledActivityEndsAsCancelled(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	ended := s.build()
	cancel()
	if err := <-ended; !temporal.IsCanceledError(err) {
		t.Errorf("ended with %v, want cancelled", err)
	}
}

// A machine so busy that Temporal does not hear of a step has not cancelled it.
func TestActivityThatTemporalDoesNotHearOfIsNotCancelled(t *testing.T) {
	s := newSite(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	s.env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	ended := s.build()
	cancel(context.DeadlineExceeded)
	err := <-ended
	wantFailure(t, err, sdp.Unavailable, "temporal-unreachable")
	equal(t, "retried", retried(err), true)
}

// A worker that is told to stop hands its build to the next one instead of reporting a failure or a cancel.
func TestStoppingWorkerGivesTheBuildUp(t *testing.T) {
	s := newSite(t)
	stop := make(chan struct{})
	s.env.SetWorkerStopChannel(stop)
	ended := s.build()
	close(stop)
	err := <-ended
	wantFailure(t, err, sdp.Unavailable, "worker-stopping")
	equal(t, "retried", retried(err), true)
}

// What is needed is said by the control plane. Where it is not, it is unknown, and nothing is removed: the node is not
// even asked.
func TestPruneWithoutAWordOnWhatIsNeeded(t *testing.T) {
	s := newSite(t)
	_, err := s.env.ExecuteActivity(s.host.PruneImages, wire.PruneInput{})
	f := wantFailure(t, err, sdp.Invalid, "missing-input")
	if !strings.Contains(f.Remedy, "sdp images prune --node micro-1") {
		t.Errorf("failure %+v", f)
	}
}
