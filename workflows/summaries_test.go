package workflows

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	sdkpb "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

func TestEveryActivityHasASummary(t *testing.T) {
	known := map[string]bool{}
	for _, activities := range []any{host, control} {
		kind := reflect.TypeOf(activities)
		for method := range kind.Methods() {
			known[method.Name] = true
			if summaries[method.Name] == "" {
				t.Errorf("%s.%s has no summary", kind, method.Name)
			}
		}
	}
	for name := range summaries {
		if !known[name] {
			t.Errorf("there is a summary and no activity %s", name)
		}
	}
}

// What an operator sees of a run in the Temporal UI is what the dashboard shows.
func TestCurrentDetailsAreTheSteps(t *testing.T) {
	s := newStage(t)
	s.env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{Summaries()}})
	var during string
	s.block["build"] = func() { during = s.details() }
	if err := s.deploy(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(during, "**BUILDING**") || !strings.Contains(during, "| build | running |") ||
		!strings.Contains(during, "| fetch | done |") {
		t.Errorf("while it builds it shows\n%s", during)
	}
	if after := s.details(); !strings.Contains(after, "**RUNNING**") || !strings.Contains(after, "| route | done |") {
		t.Errorf("after the end it shows\n%s", after)
	}
}

func (s *stage) details() string {
	s.t.Helper()
	value, err := s.env.QueryWorkflow("__temporal_workflow_metadata")
	if err != nil {
		s.t.Fatal(err)
	}
	var metadata sdkpb.WorkflowMetadata
	if err := value.Get(&metadata); err != nil {
		s.t.Fatal(err)
	}
	return metadata.GetCurrentDetails()
}

func TestStateIsFoundWhileItRuns(t *testing.T) {
	s := newStage(t)
	s.env.RegisterWorkflow(Deploy)
	states := s.upserts()
	s.env.ExecuteWorkflow(s.change, sdp.OperationRef{ID: "d1", Kind: sdp.OpDeploy, Sandbox: "demo", Service: "account", User: "alice",
		Node: "micro-1"})
	if err := s.env.GetWorkflowError(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"CHECKOUT", "BUILDING", "CREATING_IMAGE", "STARTING_CONTAINER", "RUNNING"}; !slices.Equal(*states, want) {
		t.Errorf("after %s it was shown as %q, want %q", deployFirstState, *states, want)
	}
	if first := firstState(op(sdp.OpDeploy, "d1", "account")); first != "FETCHING" {
		t.Errorf("it is started as %s", first)
	}
}

// upserts are the states and nodes that runs are found by, each an event.
func (s *stage) upserts() *[]string {
	var shown []string
	s.env.OnUpsertTypedSearchAttributes(mock.MatchedBy(func(a temporal.SearchAttributes) bool {
		for _, key := range []temporal.SearchAttributeKeyKeyword{attrState, attrNode} {
			if value, has := a.GetKeyword(key); has {
				shown = append(shown, value)
			}
		}
		return true
	})).Return(nil)
	return &shown
}

func TestSandboxShowsWhatItDoes(t *testing.T) {
	y := newYard(t)
	var shown string
	y.at(0, wire.SubmitSignal, op(sdp.OpDeploy, "a", "account"))
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpStop, "s", "account"))
	y.env.RegisterDelayedCallback(func() { shown = (&stage{t: t, env: y.env}).details() }, 2*time.Second)
	y.run(t)
	for _, want := range []string{"running: deploy of account (a), asked for by alice", "queued: stop of account (s)", "behind deploy of account (a)"} {
		if !strings.Contains(shown, want) {
			t.Errorf("it shows %q, want %q in it", shown, want)
		}
	}
}

// How long a step in the database is tried is what the worker was made with.
func TestPatienceIsTheWorkers(t *testing.T) {
	limit := func(ctx context.Context) (time.Duration, error) {
		return activity.GetInfo(ctx).ScheduleToCloseTimeout, nil
	}
	patience := func(ctx workflow.Context) (got time.Duration, err error) {
		err = workflow.ExecuteLocalActivity(database(ctx), limit).Get(ctx, &got)
		return got, err
	}
	for want, interceptors := range map[time.Duration][]interceptor.WorkerInterceptor{
		DatabasePatience: nil,
		3 * time.Second:  {Summaries(), Patience(3 * time.Second)},
	} {
		env := new(testsuite.WorkflowTestSuite).NewTestWorkflowEnvironment()
		env.SetWorkerOptions(worker.Options{Interceptors: interceptors})
		env.ExecuteWorkflow(patience)
		var got time.Duration
		if err := env.GetWorkflowResult(&got); err != nil || got != want {
			t.Errorf("it is tried for %s, %v; want %s", got, err, want)
		}
	}
}
