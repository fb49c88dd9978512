package client

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sdp/api"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

func gatewayText(s api.Sandbox) string {
	if s.Gateway == "" {
		return "none (routed by path on " + s.GatewayNode + ")"
	}
	return s.Gateway + " on " + s.GatewayNode
}

func answeredBy(s api.Service) screen.Cell {
	switch {
	case s.Source == string(sdp.SourceURL):
		return screen.Cell{Text: s.URL, Style: screen.Cyan}
	case s.Source == string(sdp.SourceSandbox) && s.Serving == nil:
		return screen.Cell{Text: "nothing yet", Style: screen.Yellow}
	case s.Source == string(sdp.SourceSandbox):
		return screen.Cell{Text: s.Source, Style: screen.Green}
	default:
		return screen.Cell{Text: s.Source}
	}
}

func servingSHA(s api.Service) string {
	if s.Serving == nil {
		return ""
	}
	return sdp.ShortSHA(s.Serving.SHA)
}

func servingNode(s api.Service) string {
	if s.Serving == nil {
		return ""
	}
	return s.Serving.Node
}

// servingBranch is the branch of what serves; the service's own branch is the one asked for last, which may have failed.
func servingBranch(s api.Service) string {
	if s.Serving == nil || (s.Latest != nil && s.Latest.ID != s.Serving.Deployment) {
		return ""
	}
	return s.Branch
}

func latest(s api.Service) string {
	if s.Latest == nil {
		return ""
	}
	return fmt.Sprintf("%s %s %s", s.Latest.ID, s.Latest.State, revision(*s.Latest))
}

// showVariables lists the variables set with deployments, and of secrets the names.
func (a *App) showVariables(services []api.Service) {
	for _, s := range services {
		var set []string
		for _, key := range slices.Sorted(maps.Keys(s.Env)) {
			set = append(set, key+"="+s.Env[key])
		}
		for _, key := range s.SecretKeys {
			set = append(set, key+" (secret)")
		}
		if len(set) > 0 {
			a.Screen.Printf("%s has %s", s.Name, strings.Join(set, ", "))
		}
	}
}
