package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sdp/api/rest"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

func gatewayText(s rest.Sandbox) string {
	if s.Gateway == "" {
		return "none (routed by path on " + s.GatewayNode + ")"
	}
	return s.Gateway + " on " + s.GatewayNode
}

func answeredBy(s rest.Service) screen.Cell {
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

// ServingSHA is the short commit of what serves.
func ServingSHA(s rest.Service) string {
	if s.Serving == nil {
		return ""
	}
	return sdp.ShortSHA(s.Serving.SHA)
}

func servingNode(s rest.Service) string {
	if s.Serving == nil {
		return ""
	}
	return s.Serving.Node
}

// ServingBranch is the branch of what serves; the service's own branch is the one asked for last, which may have failed.
func ServingBranch(s rest.Service) string {
	if s.Serving == nil || (s.Latest != nil && s.Latest.ID != s.Serving.Deployment) {
		return ""
	}
	return s.Branch
}

func latest(s rest.Service) string {
	if s.Latest == nil {
		return ""
	}
	return fmt.Sprintf("%s %s %s", s.Latest.ID, s.Latest.State, Revision(*s.Latest))
}

// showVariables lists the variables set with deployments, and of secrets the names.
func variables(out *screen.Screen, services []rest.Service) {
	for _, s := range services {
		var set []string
		for _, key := range slices.Sorted(maps.Keys(s.Env)) {
			set = append(set, key+"="+s.Env[key])
		}
		for _, key := range s.SecretKeys {
			set = append(set, key+" (secret)")
		}
		if len(set) > 0 {
			out.Printf("%s has %s", s.Name, strings.Join(set, ", "))
		}
	}
}
