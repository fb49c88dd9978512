package workflows

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	commonpb "go.temporal.io/api/common/v1"
	enums "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"sdp/activities"
	"sdp/internal/sdp"
)

// These tests replay histories of real runs with today's code: a run that a worker of an older build began must go on
// with this one. If one fails, guard the change with workflow.GetVersion; do not record the history anew.

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

// replay runs a history against today's workflows; of those named alike, instead goes first.
func replay(t *testing.T, h *historypb.History, instead ...any) error {
	t.Helper()
	replayer, err := worker.NewWorkflowReplayerWithOptions(worker.WorkflowReplayerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range Definitions() {
		replayer.RegisterWorkflow(definition)
	}
	return replayer.ReplayWorkflowHistory(nil, h)
}
