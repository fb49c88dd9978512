package planning

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"sdp/internal/sdp"
)

// service decides what becomes of one service.
func (in Input) service(name string, wanted map[string]sdp.ServiceSpec) (Service, []Problem) {
	cur := in.current(name)
	s := Service{Service: name, Node: in.NodeOf[name]}
	s.FromRoute = in.routeOf(cur, name)
	var problems []Problem
	if cur != nil {
		if cur.Serving != nil {
			s.FromSHA, s.Node = cur.Serving.SHA, cmp.Or(s.Node, cur.Serving.Node)
		}
		// A change's deployments are in the way as a whole, which is said once.
		if cur.Latest != nil && !cur.Latest.State.Settled() && cur.Latest.Operation == "" {
			problems = append(problems, busy(*cur.Latest))
		}
	}
	want, asked := wanted[name]
	switch {
	case !asked:
		s.Action, s.Why = sdp.ActionRemove, []string{"the definition does not mention it"}
		if in.Shared[name] {
			s.Route = string(sdp.SourceOCP)
		}
		if s.FromSHA == "" {
			s.Node = ""
		}
	case want.Deployed():
		problems = append(problems, in.deployed(&s, cur, want)...)
	default:
		in.routed(&s, cur, want)
	}
	if asked {
		s.Settings = in.serviceSettings(name, cur, want)
	}
	return s, problems
}

// routeOf is who answers for a service now: "" = nobody can.
func (in Input) routeOf(cur *sdp.Service, name string) string {
	switch {
	case cur == nil && in.Shared[name]:
		return string(sdp.SourceOCP)
	case cur == nil:
		return ""
	case cur.Source == sdp.SourceURL:
		return cur.URL
	}
	return string(cur.Source)
}

func busy(d sdp.Deployment) Problem {
	return ProblemOf(d.Service, sdp.Errorf(sdp.Conflict, "sandbox-busy", "%s is being deployed (%s)", d.Service, d.ID).
		WithRemedy("wait until it is done, or cancel it: `sdp cancel %s`", d.ID))
}

// routed decides about a service that somebody else answers for.
func (in Input) routed(s *Service, cur *sdp.Service, want sdp.ServiceSpec) {
	s.Route = string(sdp.SourceOCP)
	if want.URL != "" {
		s.Route = want.URL
	}
	switch {
	case cur == nil && s.FromRoute == s.Route:
		s.Action, s.Why = sdp.ActionRoute, []string{"new in the definition; the same answers as before"}
	case cur == nil || s.FromRoute != s.Route:
		s.Action, s.Why = sdp.ActionRoute, []string{fmt.Sprintf("answered by %s", s.Route)}
	case cur.Serving != nil:
		s.Action, s.Why = sdp.ActionRoute, []string{"its container is not needed any more"}
	}
	if s.FromSHA == "" {
		s.Node = "" // nothing is done there
	}
}

// deployed decides about a service that runs a container of its own.
func (in Input) deployed(s *Service, cur *sdp.Service, want sdp.ServiceSpec) []Problem {
	r, answered := in.Results[s.Service]
	s.Branch, s.Route, s.Limits = want.Branch, string(sdp.SourceSandbox), in.Wanted[s.Service].Limits
	s.SHA, s.Image, s.Cached, s.Vanished = cmp.Or(r.SHA, want.Commit), r.Image, r.Cached, r.Vanished
	var problems []Problem
	if r.Problem != nil {
		problems = append(problems, *r.Problem)
	}
	if s.SHA == "" {
		if answered {
			s.Why = []string{"what it would run is not known"}
		} else {
			s.Why = []string{"its node did not answer"}
		}
		return problems
	}
	in.decide(s, cur, want)
	if s.builds() {
		problems = append(problems, missingBases(s.Service, r)...)
	}
	return problems
}

func (in Input) decide(s *Service, cur *sdp.Service, want sdp.ServiceSpec) {
	if cur == nil || cur.Serving == nil {
		s.Action, s.Why = sdp.ActionDeploy, []string{"nothing of it runs here yet"}
		if cur != nil && cur.Latest != nil {
			s.Why = []string{"it does not run"}
		}
		return
	}
	running := in.Running[s.Service]
	why := in.settingsWhy(s.Service, *cur, running, want)
	switch {
	case cur.Serving.SHA != s.SHA:
		s.Action, s.Why = sdp.ActionDeploy, append([]string{commitWhy(*cur, running, want, s.SHA)}, why...)
	case len(why) > 0:
		s.Action, s.Why = sdp.ActionRestart, why
	case cur.Source != sdp.SourceSandbox:
		s.Action, s.Why = sdp.ActionRoute, []string{"its container answers again"}
	}
}

// commitWhy says why a service runs another commit afterwards.
func commitWhy(cur sdp.Service, running sdp.Deployment, want sdp.ServiceSpec, sha string) string {
	from, to := sdp.ShortSHA(cur.Serving.SHA), sdp.ShortSHA(sha)
	before := cmp.Or(running.Branch, cur.Branch)
	switch {
	case want.Commit != "":
		return fmt.Sprintf("stays at commit %s, runs %s", to, from)
	case before != want.Branch:
		return fmt.Sprintf("branch %s -> %s", cmp.Or(before, from), want.Branch)
	}
	return fmt.Sprintf("%s moved %s -> %s", want.Branch, from, to)
}

// settingsWhy says why a container of the same commit would find something else; nothing if it would not.
func (in Input) settingsWhy(service string, cur sdp.Service, running sdp.Deployment, want sdp.ServiceSpec) []string {
	settings, known := in.Wanted[service]
	if !known || running.SettingsDigest == settings.Digest() {
		return nil
	}
	var why []string
	add := func(changed bool, format string, args ...any) {
		if changed {
			why = append(why, fmt.Sprintf(format, args...))
		}
	}
	environment := in.Spec.Environment
	add(running.Environment != environment, "environment %s -> %s", orNone(running.Environment), orNone(environment))
	add(running.Environment == environment && running.EnvironmentVersion != settings.EnvironmentVersion,
		"environment %s %d -> %d", environment, running.EnvironmentVersion, settings.EnvironmentVersion)
	add(!maps.Equal(cur.Env, want.Variables), "its variables change")
	add(!maps.Equal(in.Current.Variables, in.Spec.Variables), "the sandbox's variables change")
	add(cur.Limits != want.Limits || in.Current.Limits.Container != in.Spec.Limits.Container, "its limits change")
	add(len(in.secretDifferences("")) > 0 || len(in.secretDifferences(service)) > 0, "secrets change")
	add(len(why) == 0 && running.SettingsDigest == "", "what it was started with is not known")
	add(len(why) == 0, "its settings were changed since it was started")
	return why
}

func orNone(name string) string { return cmp.Or(name, "none") }

// missingBases are the images a build needs and the node lacks.
func missingBases(service string, r PreflightResult) []Problem {
	var problems []Problem
	for _, image := range r.Base {
		if !image.Present && !image.Unknown {
			problems = append(problems, Problem{Service: service, Kind: sdp.Failed, Code: "missing-base-image",
				Detail: fmt.Sprintf("%s is built from the image %s, which its node does not have", service, image.Ref),
				Remedy: image.Remedy})
		}
	}
	return slices.Clip(problems)
}
