package planning

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"sdp/internal/sdp"
)

// hash identifies what the plan does to what. Besides the sandbox's route version and the specification it covers for
// each service what is done, the commit, and all its container would find: a digest of the variables, secrets and files
// of every layer and of the limits. It does not cover what comes and goes by itself: disk, cached images, liveness.
func (in Input) hash(p Plan) string {
	type part struct {
		Service, Action, SHA, Route, Settings string
	}
	var parts []part
	for _, s := range p.Services {
		one := part{Service: s.Service, Action: string(s.Action), SHA: s.SHA, Route: s.Route}
		if settings, ok := in.Wanted[s.Service]; ok && !p.New {
			one.Settings = settings.Digest()
		}
		parts = append(parts, one)
	}
	versions := map[string]int{}
	for name, s := range in.Wanted {
		versions[name] = s.EnvironmentVersion
	}
	plain, err := json.Marshal([]any{p.New, p.RouteVersion, in.Spec, parts, versions})
	if err != nil {
		panic(err) // none of these types can fail to marshal
	}
	sum := sha256.Sum256(plain)
	return hex.EncodeToString(sum[:6])
}

// Since says, for people, in what p differs from an earlier plan of the same sandbox; nothing if it cannot be told.
func (p Plan) Since(earlier Plan) []string {
	var list []string
	add := func(changed bool, format string, args ...any) {
		if changed {
			list = append(list, fmt.Sprintf(format, args...))
		}
	}
	add(p.New != earlier.New && earlier.New, "the sandbox was made meanwhile")
	add(p.New != earlier.New && p.New, "the sandbox was deleted meanwhile")
	add(p.New == earlier.New && p.RouteVersion != earlier.RouteVersion, "the sandbox was changed (version %d -> %d)",
		earlier.RouteVersion, p.RouteVersion)
	then := map[string]Service{}
	for _, s := range earlier.Services {
		then[s.Service] = s
	}
	for _, s := range p.Services {
		was, known := then[s.Service]
		delete(then, s.Service)
		add(!known, "%s is part of it now", s.Service)
		add(known && was.SHA != s.SHA, "%s would run %s, not %s", s.Service, sdp.ShortSHA(s.SHA), sdp.ShortSHA(was.SHA))
		add(known && was.SHA == s.SHA && (was.Action != s.Action || was.Route != s.Route), "%s: %s now, %s then", s.Service,
			doing(s), doing(was))
	}
	for _, s := range earlier.Services {
		_, gone := then[s.Service]
		add(gone, "%s is not part of it any more", s.Service)
	}
	add(fmt.Sprint(p.Settings) != fmt.Sprint(earlier.Settings), "the sandbox's settings would change in another way")
	add(fmt.Sprint(p.Environment) != fmt.Sprint(earlier.Environment), "the environment was changed")
	return list
}

func doing(s Service) string {
	if s.Action == "" {
		return "nothing"
	}
	return strings.TrimSpace(string(s.Action) + " " + s.Route)
}
