package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	commandpb "go.temporal.io/api/command/v1"
	commonpb "go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"go.yaml.in/yaml/v3"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// These tests reach Temporal and have none of the installation's keys. None is parallel: they take tasks away.

const intruderNamespace = "sdp"

// intruder answers tasks of the installation with an ordinary client of Temporal.
type intruder struct {
	client.Client
	t        *testing.T
	answered atomic.Int32
}

func newIntruder(t *testing.T) *intruder {
	t.Helper()
	c, err := client.Dial(client.Options{HostPort: temporalAddress(t), Namespace: intruderNamespace, Logger: silent{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &intruder{Client: c, t: t}
}

// temporalAddress is where Temporal's frontend listens.
func temporalAddress(t *testing.T) string {
	t.Helper()
	var config struct{ Temporal struct{ Address string } }
	raw, err := os.ReadFile(filepath.Join(stack.data, "config", "server.yaml"))
	if err := errors.Join(err, yaml.Unmarshal(raw, &config)); err != nil {
		t.Fatal(err)
	}
	return config.Temporal.Address
}

// silent is a logger of Temporal's that says nothing.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// pollLimit is how long a poller waits for a task at a time; Temporal wants to know.
const pollLimit = 30 * time.Second

// polls runs many pollers, so that a task soon comes to one of them and not to the installation's own worker.
func (x *intruder) polls(t *testing.T, poll func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for ctx.Err() == nil {
				once, done := context.WithTimeout(ctx, pollLimit)
				err := poll(once)
				done()
				if err != nil && ctx.Err() == nil {
					t.Error("polling: ", err)
					return
				}
			}
		})
	}
	t.Cleanup(func() { stop(); all.Wait() })
}

// verifies answers the node's part of a login with what answer makes of its input.
func (x *intruder) verifies(t *testing.T, answer func(input *commonpb.Payloads) *commonpb.Payloads) {
	queue := &taskqueuepb.TaskQueue{Name: sdp.NodeQueue("micro-1")}
	x.polls(t, func(ctx context.Context) error {
		task, err := x.WorkflowService().PollActivityTaskQueue(ctx, &workflowservice.PollActivityTaskQueueRequest{
			Namespace: intruderNamespace, TaskQueue: queue, Identity: "intruder"})
		switch {
		case err != nil || len(task.TaskToken) == 0:
			return err
		case task.ActivityType.GetName() != "VerifyLogin": // left to be tried again by the node
			_, _ = x.WorkflowService().RespondActivityTaskFailed(ctx, &workflowservice.RespondActivityTaskFailedRequest{
				Namespace: intruderNamespace, TaskToken: task.TaskToken})
		default:
			if _, err = x.WorkflowService().RespondActivityTaskCompleted(ctx, &workflowservice.RespondActivityTaskCompletedRequest{
				Namespace: intruderNamespace, TaskToken: task.TaskToken, Result: answer(task.Input)}); err == nil {
				x.answered.Add(1)
			}
		}
		return nil
	})
}

// decides ends the whole login with what answer makes of its input.
func (x *intruder) decides(t *testing.T, answer func(input *commonpb.Payloads) *commonpb.Payloads) {
	queue := &taskqueuepb.TaskQueue{Name: sdp.ControlQueue}
	x.polls(t, func(ctx context.Context) error {
		task, err := x.WorkflowService().PollWorkflowTaskQueue(ctx, &workflowservice.PollWorkflowTaskQueueRequest{
			Namespace: intruderNamespace, TaskQueue: queue, Identity: "intruder"})
		switch {
		case err != nil || len(task.TaskToken) == 0:
			return err
		case task.WorkflowType.GetName() != "Login":
			_, _ = x.WorkflowService().RespondWorkflowTaskFailed(ctx, &workflowservice.RespondWorkflowTaskFailedRequest{
				Namespace: intruderNamespace, TaskToken: task.TaskToken})
		default:
			result := answer(task.History.Events[0].GetWorkflowExecutionStartedEventAttributes().GetInput())
			end := &commandpb.Command{CommandType: enums.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
				Attributes: &commandpb.Command_CompleteWorkflowExecutionCommandAttributes{
					CompleteWorkflowExecutionCommandAttributes: &commandpb.CompleteWorkflowExecutionCommandAttributes{Result: result}}}
			if _, err = x.WorkflowService().RespondWorkflowTaskCompleted(ctx, &workflowservice.RespondWorkflowTaskCompletedRequest{
				Namespace: intruderNamespace, TaskToken: task.TaskToken, Commands: []*commandpb.Command{end}}); err == nil {
				x.answered.Add(1)
			}
		}
		return nil
	})
}

// recorded finds an event in the histories of all runs of a type, newest first.
func recorded[T any](x *intruder, kind string, pick func(*historypb.HistoryEvent) (T, bool)) T {
	x.t.Helper()
	var found T
	eventually(x.t, time.Minute, func() error { // Temporal lists runs a moment after they ended
		list, err := x.ListWorkflow(x.t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Query: "WorkflowType = '" + kind + "'"})
		if err != nil {
			return err
		}
		for _, run := range list.Executions {
			events := x.GetWorkflowHistory(x.t.Context(), run.Execution.WorkflowId, run.Execution.RunId, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
			for events.HasNext() {
				e, err := events.Next()
				if err != nil {
					return err
				}
				if v, ok := pick(e); ok {
					found = v
					return nil
				}
			}
		}
		return errorf("no run of %s shows it", kind)
	})
	return found
}

// Whoever reaches Temporal can answer a login in place of the node, or of the server's workflows. Only the node's own
// answer to this login lets somebody in.
func TestNobodyElseSaysYesToALogin(t *testing.T) {
	x := newIntruder(t)
	anothers := recorded(x, "Login", func(e *historypb.HistoryEvent) (*commonpb.Payloads, bool) {
		a := e.GetWorkflowExecutionCompletedEventAttributes()
		return a.GetResult(), a != nil
	})
	nothing := func(*commonpb.Payloads) *commonpb.Payloads { return nil }
	echo := func(input *commonpb.Payloads) *commonpb.Payloads { return input }
	replay := func(*commonpb.Payloads) *commonpb.Payloads { return anothers }
	for _, c := range []struct {
		name   string
		as     func(*intruder, *testing.T, func(*commonpb.Payloads) *commonpb.Payloads)
		answer func(*commonpb.Payloads) *commonpb.Payloads
	}{
		{"the node, with nothing", (*intruder).verifies, nothing},
		{"the node, with the question", (*intruder).verifies, echo},
		{"the node, with another login's answer", (*intruder).verifies, replay},
		{"the workflow, with nothing", (*intruder).decides, nothing},
		{"the workflow, with the question", (*intruder).decides, echo},
		{"the workflow, with another login's answer", (*intruder).decides, replay},
	} {
		t.Run(c.name, func(t *testing.T) {
			x.answered.Store(0)
			c.as(x, t, c.answer)
			refusedUntilAnswered(t, x)
		})
	}
}

// refusedUntilAnswered tries to sign in with wrong passwords until the intruder has answered one of the logins.
func refusedUntilAnswered(t *testing.T, x *intruder) {
	t.Helper()
	other := *stack
	other.home = t.TempDir()
	var said error
	for range 20 {
		if said = other.login("user-"+strings.ToLower(sdp.NewID("")), "not-the-password"); said == nil {
			t.Fatal("somebody signed in with a wrong password")
		}
		if x.answered.Load() > 0 {
			want(t, said, "administrator", "restrict who reaches it")
			return
		}
	}
	t.Fatalf("the installation was faster each time: %v", said)
}

// runs has a workflow of the intruder's own schedule an activity on a node.
func (x *intruder) runs(activity string, input ...any) error {
	x.t.Helper()
	queue := "intruder-" + sdp.NewID("")
	w := worker.New(x.Client, queue, worker.Options{DisableRegistrationAliasing: true})
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			TaskQueue: sdp.NodeQueue("micro-1"), StartToCloseTimeout: time.Minute})
		return workflow.ExecuteActivity(ctx, activity, input...).Get(ctx, nil)
	}, workflow.RegisterOptions{Name: "Intrude"})
	if err := w.Start(); err != nil {
		x.t.Fatal(err)
	}
	defer w.Stop()
	run, err := x.ExecuteWorkflow(x.t.Context(), client.StartWorkflowOptions{TaskQueue: queue}, "Intrude")
	if err != nil {
		x.t.Fatal(err)
	}
	return run.Get(x.t.Context(), nil)
}

// unneededImage makes an image such as micro-1 makes, which the next prune would remove.
func unneededImage(t *testing.T) string {
	t.Helper()
	dir, name := t.TempDir(), "sdp/account:000000000000-"+strings.ToLower(sdp.NewID(""))
	labels := fmt.Sprintf("LABEL %s=%s %s=micro-1 %s=account %s=%s", sdp.LabelInstance, stack.instance(t), sdp.LabelNode,
		sdp.LabelRepository, sdp.LabelSHA, strings.Repeat("0", 40))
	write(t, dir, "Dockerfile", "FROM scratch\nCOPY Dockerfile /\n"+labels+"\n")
	command(t, dir, "docker", "build", "-q", "-t", name, ".")
	t.Cleanup(func() { command(t, "", "docker", "rmi", name) })
	for _, i := range sdpJSON[rest.Images](t, "images", "list", "--node", "micro-1").Items {
		if i.Name == name && len(i.NeededBy) == 0 {
			return name
		}
	}
	t.Fatalf("micro-1 does not list %s as its own and unneeded", name)
	return ""
}

// An activity that is given nothing, or what another one was given, does not take that for "nothing is needed".
func TestNobodyElsePrunesImages(t *testing.T) {
	x := newIntruder(t)
	image := unneededImage(t)
	question := recorded(x, "Login", func(e *historypb.HistoryEvent) (*commonpb.Payloads, bool) {
		a := e.GetWorkflowExecutionStartedEventAttributes()
		return a.GetInput(), a != nil
	})
	for code, input := range map[string][]any{
		"missing-payload": nil,
		"missing-input":   {converter.NewRawValue(question.Payloads[0])},
	} {
		t.Run(code, func(t *testing.T) {
			var refused *temporal.ApplicationError
			if err := x.runs("PruneImages", input...); !errors.As(err, &refused) || refused.Type() != code || !refused.NonRetryable() {
				t.Errorf("it ended with %v, want %s", err, code)
			}
			if out := command(t, "", "docker", "images", "-q", image); strings.TrimSpace(out) == "" {
				t.Error("an image was removed")
			}
		})
	}
}
