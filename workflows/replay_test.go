package workflows

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	enums "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// sums lists the histories that are kept, as sha256sum does: hash, two spaces, name of the file.
var sums = filepath.Join("testdata", "histories", "SHA256SUMS")

// These tests replay histories of real runs with today's code: a run that a worker of an older build began must go on
// with this one. If one fails, guard the change in shape.go; do not record the history anew.

func historyFile(name string) string { return filepath.Join("testdata", "histories", name+".json") }

// saved reads all histories there are, by name.
func saved(t *testing.T) map[string]*historypb.History {
	t.Helper()
	files, err := filepath.Glob(historyFile("*"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*historypb.History{}
	for _, file := range files {
		raw, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		history, err := client.HistoryFromJSON(raw, client.HistoryJSONOptions{})
		if err := errors.Join(err, raw.Close()); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".json")] = history
	}
	return out
}

func history(t *testing.T, name string) *historypb.History {
	t.Helper()
	h, found := saved(t)[name]
	if !found {
		t.Fatalf("there is no %s", historyFile(name))
	}
	return h
}

// replay runs a history against definitions, by default today's.
func replay(t *testing.T, h *historypb.History, definitions ...any) error {
	t.Helper()
	if definitions == nil {
		definitions = Definitions()
	}
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{
		Interceptors: []interceptor.WorkerInterceptor{Refusals(), Summaries(), Patience(time.Second)}}) // not what they ran with
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range definitions {
		replayer.RegisterWorkflow(definition)
	}
	return replayer.ReplayWorkflowHistory(quiet{}, h)
}

// quiet drops what a replay logs: it repeats what the recorded run logged.
type quiet struct{}

func (quiet) Debug(string, ...any) {}
func (quiet) Info(string, ...any)  {}
func (quiet) Warn(string, ...any)  {}
func (quiet) Error(string, ...any) {}

func typeOf(h *historypb.History) string {
	return h.Events[0].GetWorkflowExecutionStartedEventAttributes().GetWorkflowType().GetName()
}

func TestSavedHistoriesReplay(t *testing.T) {
	for name, h := range saved(t) {
		t.Run(name, func(t *testing.T) {
			if err := replay(t, h); err != nil {
				t.Error(err)
			}
		})
	}
}

// A run that another build began is as it was: the history that stands for it may not follow a change of the code. How to add
// one, and when one may go, is in testdata/histories/README.md.
func TestSavedHistoriesAreKept(t *testing.T) {
	raw, err := os.ReadFile(sums)
	if err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		kept[name] = sum
	}
	if len(kept) < 44 {
		t.Errorf("%d histories are kept; there were 44 when the list was begun", len(kept))
	}
	for name, sum := range kept {
		content, err := os.ReadFile(filepath.Join("testdata", "histories", name))
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(content)) != sum {
			t.Errorf("%s is not what was recorded (%v): restore it, and guard the change in shape.go", name, err)
		}
	}
	for name := range saved(t) {
		if _, listed := kept[name+".json"]; !listed {
			t.Errorf("%s.json is not in %s", name, sums)
		}
	}
}

// endings are how runs of each workflow may end, as far as there are histories of it. What is missing in a row never happens,
// or its history is still to be recorded: questions that fail (but logins), a Touch that fails, a Retire that is cancelled with
// its node, an Images, a Preflight or a Track that fails, for which the database must be away for long.
var endings = map[string][]enums.EventType{
	"Sandbox":     {completed, enums.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW},
	"Deploy":      {completed, failing, canceled},
	"Apply":       {completed, failing, canceled},
	"Restart":     {completed, failing, canceled},
	"Create":      {completed, failing},
	"Stop":        {completed, failing},
	"Route":       {completed, failing},
	"Delete":      {completed, failing},
	"Touch":       {completed},
	"Retire":      {completed},
	"Login":       {completed, failing},
	"Branches":    {completed},
	"Trace":       {completed},
	"Preflight":   {completed},
	"Track":       {completed},
	"Images":      {completed},
	"PruneImages": {completed},
}

const (
	completed = enums.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED
	failing   = enums.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED
	canceled  = enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED
)

func TestEveryEndOfAWorkflowHasASavedHistory(t *testing.T) {
	have := map[string][]enums.EventType{}
	for _, h := range saved(t) {
		have[typeOf(h)] = append(have[typeOf(h)], h.Events[len(h.Events)-1].GetEventType())
	}
	for _, definition := range Definitions() {
		path := runtime.FuncForPC(reflect.ValueOf(definition).Pointer()).Name()
		name := path[strings.LastIndex(path, ".")+1:]
		if len(endings[name]) == 0 {
			t.Errorf("how does %s end? It has no entry", name)
		}
		for _, end := range endings[name] {
			if !slices.Contains(have[name], end) {
				t.Errorf("no saved history of a %s that ends with %s: testdata/histories/README.md shows how to record one", name, end)
			}
		}
	}
}

// What a careless edit would do to a run that a worker of an older build began.
func TestChangedWorkflowIsDetected(t *testing.T) {
	for what, changed := range map[string]any{
		"one more activity":   withActivity{}.Deploy,
		"one more timer":      withTimer{}.Deploy,
		"an activity dropped": withoutActivities{}.Deploy,
	} {
		t.Run(what, func(t *testing.T) { wantNondeterminism(t, replay(t, history(t, "deploy-go"), changed)) })
	}
}

func TestTamperedHistoryIsDetected(t *testing.T) {
	h := history(t, "deploy-go")
	for _, e := range h.Events {
		if a := e.GetActivityTaskScheduledEventAttributes(); a.GetActivityType().GetName() == "Build" {
			a.ActivityType.Name = "Compile"
		}
	}
	wantNondeterminism(t, replay(t, h))
}

// An end that nobody confirmed, in which an older build saw success, is no success in a replay either.
func TestEndThatNobodyConfirmedIsDetected(t *testing.T) {
	h := history(t, "deploy-go")
	taken := 0
	for _, e := range h.Events {
		if a := e.GetActivityTaskCompletedEventAttributes(); strings.Contains(a.GetResult().String(), "sdp:done") {
			a.Result = nil
			taken++
		}
	}
	if taken == 0 {
		t.Fatal("no activity of the history confirms its end")
	}
	wantNondeterminism(t, replay(t, h))
}

func wantNondeterminism(t *testing.T, err error) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "TMPRL1100") {
		t.Errorf("the replay ended with %v, want TMPRL1100 (nondeterministic workflow)", err)
	}
}

// The methods' names register the changed workflows as "Deploy".
type (
	withActivity      struct{}
	withTimer         struct{}
	withoutActivities struct{}
)

func (withActivity) Deploy(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	in := wire.DiscardInput{Deployment: op.ID}
	if err := confirmed(ctx, workflow.ExecuteActivity(onNode(ctx, "micro-1", quickLimit), host.Discard, in)); err != nil {
		return done(err)
	}
	return Deploy(ctx, op)
}

func (withTimer) Deploy(ctx workflow.Context, op sdp.OperationRef) (wire.Done, error) {
	if err := workflow.Sleep(ctx, time.Second); err != nil {
		return done(err)
	}
	return Deploy(ctx, op)
}

func (withoutActivities) Deploy(workflow.Context, sdp.OperationRef) (wire.Done, error) {
	return done(nil)
}

// Histories are published with the source, so they hold plain payloads and nothing of the machine they come from.
func TestSavedHistoriesAreClean(t *testing.T) {
	for name, h := range saved(t) {
		if err := clean(t.Context(), h); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
