// Package view shows as text what several verbs show: sandboxes, deployments and plans.
package view

import (
	"fmt"
	"strings"

	"sdp/api/rest"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

// Sandbox shows a sandbox with its services.
func Sandbox(out *screen.Screen, s rest.Sandbox) {
	state := SandboxState(s)
	out.Printf("%s  %s  %s", out.Paint(screen.Bold, s.Name), out.Paint(state.Style, state.Text), s.URL)
	facts := []string{"owner " + s.Owner, "gateway " + gatewayText(s), "created " + out.Age(s.CreatedAt)}
	if s.Environment != "" {
		facts = append(facts, "environment "+s.Environment)
	}
	out.Printf("%s", strings.Join(facts, ", "))
	if s.Description != "" {
		out.Printf("%s", s.Description)
	}
	if s.PortNote != "" {
		out.Printf("%s %s", out.Paint(screen.Yellow, "port:"), s.PortNote)
	}
	out.Printf("")
	t := out.Table("SERVICE", "ANSWERED BY", "BRANCH", "COMMIT", "NODE", "LATEST DEPLOYMENT")
	for _, service := range s.Services {
		t.Row(service.Name, answeredBy(service), ServingBranch(service), ServingSHA(service), servingNode(service), latest(service))
	}
	t.Print("Every service is answered by the shared environment.")
	if len(s.Services) > 0 {
		out.Notef("Every other service is answered by the shared environment; `sdp routes %s` lists all.", s.Name)
	}
	variables(out, s.Services)
	for _, service := range s.Services {
		if service.Behind {
			out.Notef("%s runs with another version of environment %s than a restart would give it: `sdp restart %s %s`.",
				service.Name, s.Environment, s.Name, service.Name)
		}
	}
	Attention(out, s)
}

// Created says that a sandbox was made, and what is deployed into it.
func Created(out *screen.Screen, made rest.CreatedSandbox) {
	out.Printf("Sandbox %s is created: %s", out.Paint(screen.Bold, made.Sandbox.Name), made.Sandbox.URL)
	if len(made.Deployments) > 0 {
		Accepted(out, made.Deployments)
	}
	Attention(out, made.Sandbox)
}

// SandboxState is the state of a sandbox, set apart if somebody should look at it.
func SandboxState(s rest.Sandbox) screen.Cell {
	switch {
	case s.Deleting:
		return screen.Cell{Text: "DELETING", Style: screen.Yellow}
	case len(s.Attention) > 0:
		return screen.Cell{Text: string(s.State) + " !", Style: screen.Yellow}
	case s.State == sdp.Active:
		return screen.Cell{Text: string(s.State), Style: screen.Green}
	default:
		return screen.Cell{Text: string(s.State), Style: screen.Dim}
	}
}

// Attention says what somebody should know about sandboxes, and what to do about it.
func Attention(out *screen.Screen, list ...rest.Sandbox) {
	for _, s := range list {
		for _, at := range s.Attention {
			out.Printf("%s %s: %s", out.Paint(screen.Yellow, "!"), s.Name, at.Detail)
			out.Printf("%s", out.Paint(screen.Dim, fmt.Sprintf("  %s", at.Remedy)))
		}
	}
}
