package devstack

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/devstack/supervise"
)

const (
	workflowQueue = "test-workflows"
	activityQueue = "test-activities"
)

// remote runs an activity of the other queue n times.
func remote(ctx workflow.Context, n int) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: activityQueue, StartToCloseTimeout: 20 * time.Second, HeartbeatTimeout: 20 * time.Second,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 100 * time.Millisecond, BackoffCoefficient: 1},
	})
	for range n {
		if err := workflow.ExecuteActivity(ctx, "quick").Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

// cancellable runs one activity that ends only when it is cancelled.
func cancellable(ctx workflow.Context) error {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		TaskQueue: activityQueue, StartToCloseTimeout: time.Hour, HeartbeatTimeout: time.Minute, WaitForCancellation: true,
	})
	return workflow.ExecuteActivity(ctx, "endless").Get(ctx, nil)
}

// temporalStack is a stack with two workers of the test's own.
type temporalStack struct {
	*run
	client    client.Client
	started   chan struct{}
	cancelled chan time.Time
	quick     atomic.Int64
	state     state
}

func upWithWorkers(t *testing.T) *temporalStack {
	t.Helper()
	cfg := fakeConfig(dataDir(t), temporald(t))
	s := &temporalStack{run: up(t, cfg), started: make(chan struct{}, 1), cancelled: make(chan time.Time, 1)}
	s.await("everything runs")
	var err error
	if s.state, err = loadState(filepath.Join(cfg.Data, "state.json")); err != nil {
		t.Fatal(err)
	}
	s.client, err = client.Dial(client.Options{
		HostPort: loopback(s.state.Ports[portTemporal]), Namespace: namespace,
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.client.Close)
	flows := worker.New(s.client, workflowQueue, worker.Options{})
	flows.RegisterWorkflow(remote)
	flows.RegisterWorkflow(cancellable)
	acts := worker.New(s.client, activityQueue, worker.Options{DisableWorkflowWorker: true})
	acts.RegisterActivityWithOptions(s.countQuick, activity.RegisterOptions{Name: "quick"})
	acts.RegisterActivityWithOptions(s.endless, activity.RegisterOptions{Name: "endless"})
	for _, w := range []worker.Worker{flows, acts} {
		if err := w.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(w.Stop)
	}
	return s
}

func (s *temporalStack) countQuick(context.Context) error {
	s.quick.Add(1)
	return nil
}

func (s *temporalStack) endless(ctx context.Context) error {
	s.started <- struct{}{}
	<-ctx.Done()
	s.cancelled <- time.Now()
	return ctx.Err()
}

func (s *temporalStack) execute(t *testing.T, flow any, args ...any) client.WorkflowRun {
	t.Helper()
	run, err := s.client.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{
		TaskQueue: workflowQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			temporal.NewSearchAttributeKeyKeyword("SdpSandbox").ValueSet("checkout"),
			temporal.NewSearchAttributeKeyKeyword("SdpState").ValueSet("running")),
	}, flow, args...)
	if err != nil {
		t.Fatal(err)
	}
	return run
}

func TestWorkflowsOnTheStack(t *testing.T) {
	s := upWithWorkers(t)
	t.Run("cancel reaches an activity at once", s.testCancel)
	t.Run("step latency", s.measureSteps)
	t.Run("kill -9 of Temporal and PostgreSQL", s.testKill)
}

// testCancel proves that cancellation is pushed: with heartbeats alone it would take up to 48 seconds, 0.8 of the
// heartbeat timeout.
func (s *temporalStack) testCancel(t *testing.T) {
	run := s.execute(t, cancellable)
	<-s.started
	began := time.Now()
	if err := s.client.CancelWorkflow(t.Context(), run.GetID(), run.GetRunID()); err != nil {
		t.Fatal(err)
	}
	took := (<-s.cancelled).Sub(began)
	if took > 2*time.Second {
		t.Errorf("it took %s", took)
	}
	err := run.Get(t.Context(), nil)
	if cancelled := new(temporal.CanceledError); !errors.As(err, &cancelled) {
		t.Errorf("the workflow ended with %v", err)
	}
	t.Logf("cancel to activity %s, to the end of the workflow %s", took, time.Since(began))
}

func (s *temporalStack) measureSteps(t *testing.T) {
	var took []time.Duration
	const steps = 10
	for range 7 {
		began := time.Now()
		if err := s.execute(t, remote, steps).Get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("a remote activity takes %s", (took[len(took)/2] / steps).Round(100*time.Microsecond))
}

// testKill kills both while a workflow of many steps runs.
func (s *temporalStack) testKill(t *testing.T) {
	const steps = 60
	s.quick.Store(0)
	run := s.execute(t, remote, steps)
	for i, program := range []string{"temporald", "postgres"} {
		await(t, func(context.Context) error {
			if s.quick.Load() < int64(steps*(i+1)/4) {
				return errors.New("not enough steps were done")
			}
			return nil
		})
		if err := syscall.Kill(childOf(t, os.Getpid(), program), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		s.await(program + " is ready again")
		await(t, supervise.Answers("http://"+loopback(s.state.Ports[portHealth])+"/readyz"))
		t.Logf("after kill -9 of %s Temporal was ready again in %s", program, time.Since(began))
	}
	if err := run.Get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n := s.quick.Load(); n < steps {
		t.Errorf("%d of %d steps were done", n, steps)
	}
	t.Logf("%d activity runs for %d steps", s.quick.Load(), steps)
}
