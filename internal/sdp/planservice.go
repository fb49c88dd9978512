package sdp

import (
	"cmp"
	"fmt"
	"slices"
)

// service decides what becomes of one service.
func (in Planning) service(name string, wanted map[string]ServiceSpec) (PlannedService, []PlanProblem) {
	cur := in.current(name)
	s := PlannedService{Service: name, Node: in.NodeOf[name]}
	s.FromRoute = in.routeOf(cur, name)
	var problems []PlanProblem
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
		s.Action, s.Why = ActionRemove, []string{"the definition does not mention it"}
		if in.Shared[name] {
			s.Route = string(SourceOCP)
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
func (in Planning) routeOf(cur *Service, name string) string {
	switch {
	case cur == nil && in.Shared[name]:
		return string(SourceOCP)
	case cur == nil:
		return ""
	case cur.Source == SourceURL:
		return cur.URL
	}
	return string(cur.Source)
}

func busy(d Deployment) PlanProblem {
	return ProblemOf(d.Service, Errorf(Conflict, "sandbox-busy", "%s is being deployed (%s)", d.Service, d.ID).
		WithRemedy("wait until it is done, or cancel it: `sdp cancel %s`", d.ID))
}

// routed decides about a service that somebody else answers for.
func (in Planning) routed(s *PlannedService, cur *Service, want ServiceSpec) {
	s.Route = string(SourceOCP)
	if want.URL != "" {
		s.Route = want.URL
	}
	switch {
	case cur == nil && s.FromRoute == s.Route:
		s.Action, s.Why = ActionRoute, []string{"new in the definition; the same answers as before"}
	case cur == nil || s.FromRoute != s.Route:
		s.Action, s.Why = ActionRoute, []string{fmt.Sprintf("answered by %s", s.Route)}
	case cur.Serving != nil:
		s.Action, s.Why = ActionRoute, []string{"its container is not needed any more"}
	}
	if s.FromSHA == "" {
		s.Node = "" // nothing is done there
	}
}

// deployed decides about a service that runs a container of its own.
func (in Planning) deployed(s *PlannedService, cur *Service, want ServiceSpec) []PlanProblem {
	r, answered := in.Results[s.Service]
	s.Branch, s.Route, s.Limits = want.Branch, string(SourceSandbox), in.Wanted[s.Service].Limits
	s.SHA, s.Image, s.Cached, s.Vanished = cmp.Or(r.SHA, want.Commit), r.Image, r.Cached, r.Vanished
	var problems []PlanProblem
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

func (in Planning) decide(s *PlannedService, cur *Service, want ServiceSpec) {
	if cur == nil || cur.Serving == nil {
		s.Action, s.Why = ActionDeploy, []string{"nothing of it runs here yet"}
		if cur != nil && cur.Latest != nil {
			s.Why = []string{"it does not run"}
		}
		return
	}
	running := in.Running[s.Service]
	why := in.settingsWhy(s.Service, *cur, running, want)
	switch {
	case cur.Serving.SHA != s.SHA:
		s.Action, s.Why = ActionDeploy, append([]string{commitWhy(*cur, running, want, s.SHA)}, why...)
	case len(why) > 0:
		s.Action, s.Why = ActionRestart, why
	case cur.Source != SourceSandbox:
		s.Action, s.Why = ActionRoute, []string{"its container answers again"}
	}
}

// commitWhy says why a service runs another commit afterwards.
func commitWhy(cur Service, running Deployment, want ServiceSpec, sha string) string {
	from, to := ShortSHA(cur.Serving.SHA), ShortSHA(sha)
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
func (in Planning) settingsWhy(service string, cur Service, running Deployment, want ServiceSpec) []string {
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
	add(differ(cur.Env, want.Variables), "its variables change")
	add(differ(in.Current.Variables, in.Spec.Variables), "the sandbox's variables change")
	add(cur.Limits != want.Limits || in.Current.Limits.Container != in.Spec.Limits.Container, "its limits change")
	add(len(in.secretDifferences("")) > 0 || len(in.secretDifferences(service)) > 0, "secrets change")
	add(len(why) == 0 && running.SettingsDigest == "", "what it was started with is not known")
	add(len(why) == 0, "its settings were changed since it was started")
	return why
}

func orNone(name string) string { return cmp.Or(name, "none") }

// missingBases are the images a build needs and the node lacks.
func missingBases(service string, r PreflightResult) []PlanProblem {
	var problems []PlanProblem
	for _, image := range r.Base {
		if !image.Present && !image.Unknown {
			problems = append(problems, PlanProblem{Service: service, Kind: Failed, Code: "missing-base-image",
				Detail: fmt.Sprintf("%s is built from the image %s, which its node does not have", service, image.Ref),
				Remedy: image.Remedy})
		}
	}
	return slices.Clip(problems)
}
