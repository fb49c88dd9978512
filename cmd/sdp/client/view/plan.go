package view

import (
	"fmt"
	"strings"

	"sdp/api/rest"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

// Plan prints a plan for people: + is new, ~ changes, - goes.
func Plan(out *screen.Screen, p rest.Plan) {
	what := "sandbox " + out.Paint(screen.Bold, p.Sandbox)
	if p.New {
		what = "new " + what
	}
	out.Printf("Plan %s for %s, %s", p.Hash, what, portText(p.Port))
	Differences(out, "Settings", p.Settings, "")
	plannedServices(out, p.Services)
	Differences(out, "Environment", p.Environment, "")
	plannedNodes(out, p.Nodes)
	problems(out, p.Problems)
	out.Printf("\n%s", planSummary(p))
}

func portText(p rest.PlannedPort) string {
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

func mark(out *screen.Screen, kind string) string {
	return out.Paint(marks[kind].style, marks[kind].sign)
}

// Differences lists what differs, below a title if there is one.
func Differences(out *screen.Screen, title string, list []rest.Difference, indent string) {
	if len(list) == 0 {
		return
	}
	if title != "" {
		out.Printf("\n%s", out.Paint(screen.Bold, title))
	}
	for _, d := range list {
		out.Printf("%s  %s %s", indent, mark(out, d.Kind), differenceText(d))
	}
}

// differenceText is one line of what differs. Of secrets and files it says only that they do.
func differenceText(d rest.Difference) string {
	name := strings.TrimSpace(d.What + " " + d.Key)
	if d.What == "expiry" {
		name += " (no effect yet)"
	}
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

func plannedNodes(out *screen.Screen, nodes []rest.PlannedNode) {
	if len(nodes) == 0 {
		return
	}
	out.Printf("")
	t := out.Table("NODE", "STATE", "DISK NEEDED", "DISK FREE", "BASE IMAGES")
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

func presence(i rest.RequiredImage) string {
	switch {
	case i.Unknown:
		return "(not known before it is fetched)"
	case i.Present:
		return "(there)"
	}
	return "(MISSING)"
}

func problems(out *screen.Screen, problems []rest.PlanProblem) {
	if len(problems) == 0 {
		return
	}
	out.Printf("\n%s", out.Paint(screen.Bold, "In the way"))
	for _, p := range problems {
		out.Printf("  %s %s", out.Paint(screen.Red, "!"), planning.Problem{Service: p.Service, Detail: p.Detail}.Text())
		if p.Remedy != "" {
			out.Printf("    -> %s", p.Remedy)
		}
	}
}

// InTheWay is what keeps a plan from being applied, as an error.
func InTheWay(p rest.Plan) *sdp.Error {
	if len(p.Problems) == 1 {
		only := p.Problems[0]
		return &sdp.Error{Kind: sdp.Kind(only.Kind), Code: only.Code, Detail: only.Detail, Remedy: only.Remedy, Command: only.Command}
	}
	return sdp.Errorf(sdp.Kind(p.Problems[0].Kind), "plan-has-problems", "%d things are in the way of the plan", len(p.Problems)).
		WithRemedy("each has a remedy of its own")
}

func planSummary(p rest.Plan) string {
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
