package workflows

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"sdp/activities"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Whoever reaches Temporal can answer a step in the node's place: with nothing, or with what the step was given.
func TestStepThatNobodyConfirmedHasFailed(t *testing.T) {
	for name, answer := range map[string]any{
		"with nothing":      func(context.Context, wire.RouteInput) error { return nil },
		"with null":         func(context.Context, wire.RouteInput) (any, error) { return nil, nil },
		"with its input":    func(_ context.Context, in wire.RouteInput) (wire.RouteInput, error) { return in, nil },
		"with another word": func(context.Context, wire.RouteInput) (string, error) { return "done", nil },
	} {
		t.Run(name, func(t *testing.T) {
			var suite testsuite.WorkflowTestSuite
			env := suite.NewTestWorkflowEnvironment()
			env.RegisterActivity(&activities.Control{})
			env.RegisterActivityWithOptions(answer, activity.RegisterOptions{Name: "Route"})
			b := &bench{t: t, env: env, table: wire.Switch{Nodes: []string{"micro-1"}}}
			b.fakeControl()
			if err := b.run(Route, sdp.OpRoute); err == nil {
				t.Error("the workflow reports success")
			}
			b.wantSettled(sdp.OpFailed, "unconfirmed")
		})
	}
}

// The same of a workflow that a worker of somebody else's ended.
func TestOperationThatNobodyConfirmedIsSettledAsFailed(t *testing.T) {
	y := newYard(t)
	y.env.OnWorkflow("Stop", any_, any_).Return(func(workflow.Context, sdp.OperationRef) (*wire.Done, error) { return nil, nil })
	y.at(time.Second, wire.SubmitSignal, op(sdp.OpStop, "s", "account"))
	y.run(t)
	if len(y.settled) != 1 || y.settled[0].State != sdp.OpFailed || y.settled[0].Failure.Code != "workflow-ended" {
		t.Errorf("settled: %+v", y.settled)
	}
}

// Whoever waits for an activity or a child must look at the answer: an empty one is success for Temporal. What is listed
// has no answer that another party could give.
func TestNobodyTakesAnEndForAnAnswer(t *testing.T) {
	may := []string{"GetChildWorkflowExecution", "SignalChildWorkflow", "SignalExternalWorkflow", "RequestCancelExternalWorkflow",
		"f"} // f: the entity's timer
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	fset, seen := token.NewFileSet(), 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if of, blind := blindGet(n); blind {
				seen++
				if !slices.Contains(may, of) {
					t.Errorf("%s: %s.Get(ctx, nil) takes an empty answer for success: use confirmed", fset.Position(n.Pos()), of)
				}
			}
			return true
		})
	}
	if seen != len(may) {
		t.Errorf("%d calls of Get(ctx, nil) were found, want %d: is what is looked for still what is written?", seen, len(may))
	}
}

// blindGet returns what x of a call x.Get(ctx, nil) is called.
func blindGet(n ast.Node) (of string, blind bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 {
		return "", false
	}
	get, ok := call.Fun.(*ast.SelectorExpr)
	last, named := call.Args[1].(*ast.Ident)
	if !ok || get.Sel.Name != "Get" || !named || last.Name != "nil" {
		return "", false
	}
	switch x := get.X.(type) {
	case *ast.Ident:
		return x.Name, true
	case *ast.CallExpr:
		if made, ok := x.Fun.(*ast.SelectorExpr); ok {
			return made.Sel.Name, true
		}
	case *ast.SelectorExpr:
		return x.Sel.Name, true
	}
	return "an expression", true
}

func TestEveryOperationAnswers(t *testing.T) {
	registered := map[string]any{}
	for _, definition := range Definitions() {
		name := runtime.FuncForPC(reflect.ValueOf(definition).Pointer()).Name()
		registered[name[strings.LastIndexByte(name, '.')+1:]] = definition
	}
	for _, kind := range sdp.OperationKinds() {
		definition, known := registered[kind.Rules().Workflow]
		if !known || reflect.TypeOf(definition).NumOut() != 2 {
			t.Errorf("%s: %q is registered %t, %T", kind, kind.Rules().Workflow, known, definition)
		}
	}
}
