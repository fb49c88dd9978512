package client

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) plan() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "plan -f sandbox.yaml [NAME]",
		Short: "Show what applying a sandbox.yaml would do, and what is in the way",
		Long: `Show what applying a sandbox.yaml would do: which services run another commit, restart, are answered by somebody else or
go; what is built and what is there already; settings and entries of the environment that change; ports, disk and base
images. Nothing is changed.

The plan has a hash. "sdp apply --plan HASH" does exactly that or nothing: it is refused if the sandbox, the file, the
environment or a branch has changed meanwhile.

The exit code is 1 if something is in the way.`,
		Example: `  sdp plan -f sandbox.yaml
  sdp sandbox export checkout | sdp plan -f -`,
		Args: usage.Args(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.definition(file, args)
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			plan, err := c.Plan(cmd.Context(), in)
			if err != nil {
				return err
			}
			return a.printPlan(plan, file)
		},
	}
	fileFlag(cmd, &file)
	return cmd
}

func fileFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "file", "f", "", "read the sandbox's definition from this YAML `file`; - is standard input")
}

// definition reads the definition a verb is about: a file, and the name if it is given beside it.
func (a *App) definition(file string, args []string) (api.SandboxSpec, error) {
	if file == "" {
		return api.SandboxSpec{}, usage.Errorf("write -f sandbox.yaml", "no file is given")
	}
	in, err := a.loadSandboxFile(file)
	if err != nil {
		return in, err
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	return named(in, name, file)
}

func (a *App) printPlan(p api.Plan, file string) error {
	err := a.Screen.Data(p, func() {
		a.showPlan(p)
		if p.Changes && len(p.Problems) == 0 {
			a.Screen.Notef("Do exactly this: sdp apply -f %s --plan %s", file, p.Hash)
		}
	})
	if err == nil && len(p.Problems) > 0 {
		return ErrShown
	}
	return err
}

// showPlan prints a plan for people: + is new, ~ changes, - goes.
func (a *App) showPlan(p api.Plan) {
	what := "sandbox " + a.Screen.Paint(screen.Bold, p.Sandbox)
	if p.New {
		what = "new " + what
	}
	a.Screen.Printf("Plan %s for %s, %s", p.Hash, what, portText(p.Port))
	a.showDifferences("Settings", p.Settings, "")
	a.showPlannedServices(p.Services)
	a.showDifferences("Environment", p.Environment, "")
	a.showPlannedNodes(p.Nodes)
	a.showProblems(p.Problems)
	a.Screen.Printf("\n%s", planSummary(p))
}

func portText(p api.PlannedPort) string {
	switch {
	case p.Port > 0:
		return fmt.Sprintf("port %d on %s", p.Port, p.Node)
	case p.Node == "":
		return "no node for its port"
	}
	return fmt.Sprintf("on the next free port of %s (%d are free)", p.Node, p.Free)
}

// marks are how the kinds of a difference are shown.
var marks = map[string]struct {
	sign  string
	style screen.Style
}{
	string(sdp.Added):        {"+", screen.Green},
	string(sdp.Changed):      {"~", screen.Yellow},
	string(sdp.RemovedEntry): {"-", screen.Red},
	"":                       {" ", screen.Dim},
}

func (a *App) mark(kind string) string { return a.Screen.Paint(marks[kind].style, marks[kind].sign) }

func (a *App) showDifferences(title string, list []api.Difference, indent string) {
	if len(list) == 0 {
		return
	}
	if title != "" {
		a.Screen.Printf("\n%s", a.Screen.Paint(screen.Bold, title))
	}
	for _, d := range list {
		a.Screen.Printf("%s  %s %s", indent, a.mark(d.Kind), differenceText(d))
	}
}

// differenceText is one line of what differs. Of secrets and files it says only that they do.
func differenceText(d api.Difference) string {
	name := strings.TrimSpace(d.What + " " + d.Key)
	switch hidden := d.What == "secret" || d.What == "file"; {
	case hidden:
		return name + ": " + d.Kind
	case d.Kind == string(sdp.Added):
		return fmt.Sprintf("%s: %s", name, quoted(d.After))
	case d.Kind == string(sdp.RemovedEntry):
		return fmt.Sprintf("%s (was %s)", name, quoted(d.Before))
	}
	return fmt.Sprintf("%s: %s -> %s", name, quoted(d.Before), quoted(d.After))
}

// quoted keeps a value on its line, and short.
func quoted(v string) string {
	if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r == 0x7f }) || v == "" {
		v = fmt.Sprintf("%q", v)
	}
	return screen.Cut(v, 80)
}

func (a *App) showPlannedNodes(nodes []api.PlannedNode) {
	if len(nodes) == 0 {
		return
	}
	a.Screen.Printf("")
	t := a.Screen.Table("NODE", "STATE", "DISK NEEDED", "DISK FREE", "BASE IMAGES")
	for _, n := range nodes {
		state := screen.Cell{Text: "ready", Style: screen.Green}
		if !n.Alive {
			state = screen.Cell{Text: "not ready", Style: screen.Red}
		}
		var images []string
		for _, i := range n.Images {
			images = append(images, i.Ref+" "+presence(i))
		}
		t.Row(n.Node, state, "about "+screen.Bytes(n.DiskNeeded), screen.Bytes(n.DiskFree), strings.Join(images, ", "))
	}
	t.Print("")
}

func presence(i api.RequiredImage) string {
	switch {
	case i.Unknown:
		return "(not known before it is fetched)"
	case i.Present:
		return "(there)"
	}
	return "(MISSING)"
}

func (a *App) showProblems(problems []api.PlanProblem) {
	if len(problems) == 0 {
		return
	}
	a.Screen.Printf("\n%s", a.Screen.Paint(screen.Bold, "In the way"))
	for _, p := range problems {
		a.Screen.Printf("  %s %s", a.Screen.Paint(screen.Red, "!"), sdp.PlanProblem{Service: p.Service, Detail: p.Detail}.Text())
		if p.Remedy != "" {
			a.Screen.Printf("    -> %s", p.Remedy)
		}
	}
}

func planSummary(p api.Plan) string {
	if len(p.Problems) > 0 {
		return fmt.Sprintf("This cannot be applied now: %d in the way.", len(p.Problems))
	}
	if !p.Changes {
		return "Nothing changes: the sandbox is what the file says."
	}
	counts := map[string]int{}
	builds := 0
	for _, s := range p.Services {
		counts[s.Action]++
		if (s.Action == string(sdp.ActionDeploy) || s.Action == string(sdp.ActionRestart)) && !s.Cached {
			builds++
		}
	}
	var parts []string
	for _, kind := range []sdp.ActionKind{sdp.ActionDeploy, sdp.ActionRestart, sdp.ActionRoute, sdp.ActionRemove} {
		if n := counts[string(kind)]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, kind))
		}
	}
	if len(parts) == 0 {
		return "Only settings change; nothing runs anew."
	}
	if n := counts["none"]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d stay", n))
	}
	return fmt.Sprintf("%s; %s.", strings.Join(parts, ", "), building(builds))
}

func building(n int) string {
	if n == 0 {
		return "nothing is built"
	}
	return fmt.Sprintf("%d to build", n)
}
