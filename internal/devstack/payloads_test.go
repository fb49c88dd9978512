package devstack

import (
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	failures "sdp/internal/failure"
	"sdp/internal/secret"
	"sdp/internal/secret/payload"
	"sdp/workflows"
)

const largeQueue = "test-large"

// huge is more than Temporal takes in one payload.
var huge = strings.Repeat("0123456789abcdef", 200<<10)

// place is where a workflow hands something to Temporal.
type place string

// tooLarge hands too much to Temporal, at one place.
func tooLarge(ctx workflow.Context, at place) (string, error) {
	const limit = 10 * time.Second
	retry := &temporal.RetryPolicy{InitialInterval: 50 * time.Millisecond, BackoffCoefficient: 1}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: limit, RetryPolicy: retry})
	ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{StartToCloseTimeout: limit, RetryPolicy: retry})
	switch at {
	case "a result and an input made from it":
		var most string
		if err := workflow.ExecuteLocalActivity(ctx, "sayMost").Get(ctx, &most); err != nil {
			return "", err
		}
		return "", workflow.ExecuteActivity(ctx, "swallow", most).Get(ctx, nil)
	case "activity input":
		return "", workflow.ExecuteActivity(ctx, "swallow", huge).Get(ctx, nil)
	case "activity result":
		return "", workflow.ExecuteActivity(ctx, "say").Get(ctx, nil)
	case "local activity result":
		return "", workflow.ExecuteLocalActivity(ctx, "say").Get(ctx, nil)
	case "activity failure":
		return "", workflow.ExecuteActivity(ctx, "fail").Get(ctx, nil)
	case "local activity failure":
		return "", workflow.ExecuteLocalActivity(ctx, "fail").Get(ctx, nil)
	case "child input":
		return "", workflow.ExecuteChildWorkflow(ctx, tooLarge, place(huge)).Get(ctx, nil)
	case "signal":
		return "", workflow.SignalExternalWorkflow(ctx, "nobody", "", "signal", huge).Get(ctx, nil)
	case "continue as new":
		return "", workflow.NewContinueAsNewError(ctx, tooLarge, place(huge))
	case "failure":
		return "", temporal.NewNonRetryableApplicationError("large", "large", nil, huge)
	}
	return huge, nil
}

// largeActivities count how often they are run.
type largeActivities struct{ runs atomic.Int64 }

func (a *largeActivities) say(context.Context) (string, error) {
	a.runs.Add(1)
	return huge, nil
}

func (a *largeActivities) sayMost(context.Context) (string, error) {
	return huge[:payload.MaxSize-1000], nil
}

func (a *largeActivities) fail(context.Context) error {
	a.runs.Add(1)
	return temporal.NewNonRetryableApplicationError(huge, "large", nil)
}

func (a *largeActivities) swallow(context.Context, string) error {
	a.runs.Add(1)
	return nil
}

// TestTooLargeForTemporal: whatever is too large ends what it belongs to, at once and with a reason; nothing is tried again.
func TestTooLargeForTemporal(t *testing.T) {
	cfg := fakeConfig(dataDir(t), temporald(t))
	up(t, cfg).await("everything runs")
	c, acts := largeWorker(t, cfg)
	for at, runs := range map[place]int64{"activity input": 0, "activity result": 1, "local activity result": 1,
		"activity failure": 1, "local activity failure": 1, "child input": 0, "signal": 0, "continue as new": 0, "failure": 0,
		"workflow result": 0} {
		t.Run(string(at), func(t *testing.T) {
			acts.runs.Store(0)
			run, err := c.ExecuteWorkflow(t.Context(), largeOptions(), tooLarge, at)
			if err != nil {
				t.Fatal(err)
			}
			wantTooLarge(t, run.Get(t.Context(), nil))
			if n := acts.runs.Load(); n != runs {
				t.Errorf("an activity ran %d times, want %d", n, runs)
			}
		})
	}
	_, err := c.ExecuteWorkflow(t.Context(), largeOptions(), tooLarge, place(huge))
	wantTooLarge(t, err)
	run, err := c.ExecuteWorkflow(t.Context(), largeOptions(), tooLarge, place("a result and an input made from it"))
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Get(t.Context(), nil); err != nil {
		t.Errorf("what is as large as it can be did not reach Temporal in one message with what was made from it: %v", err)
	}
}

// largeOptions end a workflow that tries again and again, and give one that does not the time that megabytes take under the
// race detector on a busy machine.
func largeOptions() client.StartWorkflowOptions {
	return client.StartWorkflowOptions{TaskQueue: largeQueue, WorkflowExecutionTimeout: time.Minute}
}

func wantTooLarge(t *testing.T, err error) {
	t.Helper()
	f, ok := failures.Of(err)
	if !ok || f.Code != "payload-too-large" || f.Remedy == "" || len(f.Detail) > 500 {
		text := "no error"
		if err != nil {
			text = err.Error()
		}
		t.Errorf("got %.300s, want payload-too-large", text)
	}
}

// largeWorker is a worker whose payloads are made as SDP's are.
func largeWorker(t *testing.T, cfg Config) (client.Client, *largeActivities) {
	t.Helper()
	state, err := loadState(filepath.Join(cfg.Data, "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := secret.LoadCodecKeys(filepath.Join(t.TempDir(), "codec.keys"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(client.Options{
		HostPort: loopback(state.Ports[portTemporal]), Namespace: namespace,
		DataConverter: payload.DataConverter(keys), FailureConverter: payload.FailureConverter(keys),
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	w := worker.New(c, largeQueue, worker.Options{Interceptors: []interceptor.WorkerInterceptor{workflows.Refusals()}})
	acts := &largeActivities{}
	w.RegisterWorkflow(tooLarge)
	w.RegisterActivityWithOptions(acts.say, activity.RegisterOptions{Name: "say"})
	w.RegisterActivityWithOptions(acts.sayMost, activity.RegisterOptions{Name: "sayMost"})
	w.RegisterActivityWithOptions(acts.fail, activity.RegisterOptions{Name: "fail"})
	w.RegisterActivityWithOptions(acts.swallow, activity.RegisterOptions{Name: "swallow"})
	if err := w.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return c, acts
}
