package cli

import (
	"reflect"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/screen"
)

// CSV marks commands that can write CSV.
const CSV = "csv"

// Output is what a verb prints for programs. Each verb declares it, so that its schema can be asked for and is tested.
type Output struct {
	Type   reflect.Type // of what -o json prints; nil if the verb prints nothing but text
	Lines  bool         // -o json prints one object of Type a line
	Others []Other      // what it prints instead in some cases
	// Follows says that the verb can wait or follow, and then takes -o ndjson.
	Follows bool
}

// Other is what a verb prints instead in some case, such as "with --dry-run".
type Other struct {
	When string
	Type reflect.Type
}

// Deleted is what a verb that deletes something prints: its name.
type Deleted struct {
	Deleted string `json:"deleted"`
}

// Prints declares that a verb prints a T with -o json.
func Prints[T any](a *App, cmd *cobra.Command) *cobra.Command {
	return a.declare(cmd, Output{Type: reflect.TypeFor[T]()})
}

// PrintsLines declares that a verb prints one T a line with -o json, and can follow.
func PrintsLines[T any](a *App, cmd *cobra.Command) *cobra.Command {
	return a.declare(cmd, Output{Type: reflect.TypeFor[T](), Lines: true, Follows: true})
}

// Follows declares that a verb prints a T with -o json when it ends, and with -o ndjson first what happens meanwhile.
func Follows[T any](a *App, cmd *cobra.Command) *cobra.Command {
	return a.declare(cmd, Output{Type: reflect.TypeFor[T](), Follows: true})
}

// Instead declares that in some case a verb prints a T instead of what it has declared.
func Instead[T any](a *App, cmd *cobra.Command, when string) *cobra.Command {
	out := a.outputs[cmd]
	out.Others = append(out.Others, Other{When: when, Type: reflect.TypeFor[T]()})
	return a.declare(cmd, out)
}

// PrintsText declares that what a verb prints is for people, a shell or a log only.
func PrintsText(a *App, cmd *cobra.Command) *cobra.Command { return a.declare(cmd, Output{}) }

func (a *App) declare(cmd *cobra.Command, out Output) *cobra.Command {
	if a.outputs == nil {
		a.outputs = map[*cobra.Command]Output{}
	}
	a.outputs[cmd] = out
	return cmd
}

// Output returns what a verb has declared.
func (a *App) Output(cmd *cobra.Command) (Output, bool) {
	out, declared := a.outputs[cmd]
	return out, declared
}

// Formats are the values of -o that a verb takes.
func (a *App) Formats(cmd *cobra.Command) []screen.Format {
	out, declared := a.Output(cmd)
	formats := []screen.Format{screen.Text}
	if !declared || out.Type != nil {
		formats = append(formats, screen.JSON, screen.YAML)
	}
	if out.Follows {
		formats = append(formats, screen.NDJSON)
	}
	if cmd.Annotations[CSV] != "" {
		formats = append(formats, screen.CSV)
	}
	return formats
}

// Line is a line of -o ndjson before the last, which is a screen.End. Type says which of the other members is there.
type Line struct {
	Type       string               `json:"type" enum:"deployment,operation,log,event"`
	Deployment *rest.Deployment     `json:"deployment,omitempty" doc:"a deployment as it is now; there is a line for each change"`
	Operation  *rest.Operation      `json:"operation,omitempty" doc:"an operation as it is now; there is a line for each change"`
	Log        *rest.LogFrame       `json:"log,omitempty" doc:"the next piece of a log"`
	Event      *rest.LifecycleEvent `json:"event,omitempty" doc:"what happened to a deployment, one of its steps, or another operation"`
}

// DeploymentLine writes a deployment as a line of -o ndjson. Whether the output can be written is seen at its last line.
func (a *App) DeploymentLine(d rest.Deployment) {
	_ = a.Screen.Line(Line{Type: "deployment", Deployment: &d})
}

// OperationLine writes an operation as a line of -o ndjson.
func (a *App) OperationLine(op rest.Operation) {
	_ = a.Screen.Line(Line{Type: "operation", Operation: &op})
}
