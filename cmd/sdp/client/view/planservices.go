package view

import (
	"cmp"
	"fmt"
	"strings"

	"sdp/api/rest"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

func plannedServices(out *screen.Screen, services []rest.PlannedService) {
	if len(services) == 0 {
		return
	}
	out.Printf("\n%s", out.Paint(screen.Bold, "Services"))
	width := 0
	for _, s := range services {
		width = max(width, len(s.Service))
	}
	for _, s := range services {
		kind := kindOf(s)
		line := fmt.Sprintf("  %s %s  %s  %s", mark(out, kind), screen.Pad(s.Service, width), screen.Pad(actionWord(s), 7), plannedText(s))
		out.Printf("%s", strings.TrimRight(line, " "))
		if len(s.Why) > 0 && s.Action != "none" {
			out.Printf("      %s", out.Paint(screen.Dim, "because "+strings.Join(s.Why, ", ")))
		}
		Differences(out, "", s.Settings, "    ")
	}
}

func kindOf(s rest.PlannedService) string {
	switch {
	case s.Action == string(sdp.ActionRemove):
		return string(sdp.RemovedEntry)
	case s.Action == string(sdp.ActionDeploy) && s.FromSHA == "", s.Action == string(sdp.ActionRoute) && s.FromRoute == "":
		return string(sdp.Added)
	case s.Action != "none" || len(s.Settings) > 0:
		return string(sdp.Changed)
	}
	return ""
}

func actionWord(s rest.PlannedService) string {
	switch {
	case s.Action == "none" && s.Route == string(sdp.SourceSandbox) && s.SHA == "":
		return "unknown" // what is in the way says why
	case s.Action == "none":
		return "stays"
	}
	return s.Action
}

// plannedText says what a service is afterwards, and what that takes.
func plannedText(s rest.PlannedService) string {
	revision := func() string {
		text := sdp.ShortSHA(s.SHA)
		if s.Branch != "" {
			text = s.Branch + " @ " + cmp.Or(text, "?")
		}
		return text
	}
	switch sdp.ActionKind(s.Action) {
	case sdp.ActionDeploy, sdp.ActionRestart:
		text := revision() + " on " + s.Node + ", " + effort(s)
		if s.FromSHA != "" && s.FromSHA != s.SHA {
			text = sdp.ShortSHA(s.FromSHA) + " -> " + text
		}
		return text
	case sdp.ActionRoute, sdp.ActionRemove:
		if s.FromRoute == s.Route && s.Route != "" {
			return s.Route + " as before"
		}
		return cmp.Or(s.FromRoute, "nobody") + " -> " + cmp.Or(s.Route, "nobody")
	}
	if s.Route == string(sdp.SourceSandbox) {
		return revision()
	}
	return s.Route
}

// effort says whether something is built.
func effort(s rest.PlannedService) string {
	switch {
	case s.Vanished && s.Cached:
		return "image is there (the repository does not have the commit any more)"
	case s.Cached:
		return "image is there"
	}
	return "will be built"
}
