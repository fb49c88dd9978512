package view

import (
	"strings"

	"sdp/api/rest"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

// Accepted lists deployments that were just accepted.
func Accepted(out *screen.Screen, accepted []rest.Deployment) {
	t := out.Table("DEPLOYMENT", "SERVICE", "OF", "STATE", "WAITS FOR")
	ids := make([]string, 0, len(accepted))
	for _, d := range accepted {
		t.Row(d.ID, d.Service, Revision(d), DeploymentState(d.State), d.WaitingFor)
		ids = append(ids, d.ID)
	}
	t.Print("Nothing to deploy.")
	if len(ids) > 0 {
		out.Notef("Follow it: sdp logs %s -f", strings.Join(ids[:1], ""))
	}
}

// Revision is what was asked for: a branch or a commit.
func Revision(d rest.Deployment) string {
	if d.Branch != "" {
		return d.Branch
	}
	return sdp.ShortSHA(d.SHA)
}

// DeploymentState is the state of a deployment in its colour.
func DeploymentState(state sdp.DeploymentState) screen.Cell {
	switch state {
	case sdp.Running:
		return screen.Cell{Text: string(state), Style: screen.Green}
	case sdp.DeployFailed:
		return screen.Cell{Text: string(state), Style: screen.Red}
	case sdp.DeployStopped, sdp.DeployCancelled:
		return screen.Cell{Text: string(state), Style: screen.Dim}
	default:
		return screen.Cell{Text: string(state), Style: screen.Yellow}
	}
}
