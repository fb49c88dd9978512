package definition

import (
	"maps"

	"sdp/internal/sdp"
)

// Of returns the specification a sandbox comes down to now. Pinned, each service that has a container stays at the
// commit that container runs; else a service follows its branch, unless the sandbox itself pins it. What nobody ever
// deployed here, a route to a sandbox that has no container for it, cannot be said in a specification and is left out.
func Of(sandbox sdp.Sandbox, pinned bool) sdp.SandboxSpec {
	spec := sdp.SandboxSpec{
		Name: sandbox.Name, Description: sandbox.Description, Labels: cloned(sandbox.Labels), Environment: sandbox.Environment,
		EnvironmentVersion: sandbox.EnvironmentVersion, Variables: cloned(sandbox.Variables), Limits: sandbox.Limits,
		Expiry: sandbox.Expiry, Services: map[string]sdp.ServiceSpec{},
	}
	for _, v := range sandbox.Services {
		s, ok := OfService(v, pinned)
		switch {
		case !ok:
		case v.Name == sandbox.Gateway:
			spec.Gateway = &sdp.GatewaySpec{Repository: v.Name, Branch: s.Branch, Commit: s.Commit, Track: s.Track,
				Variables: s.Variables, Limits: s.Limits}
		default:
			spec.Services[v.Name] = s
		}
	}
	return spec
}

// OfService is Of for one service; false is one that a specification cannot say.
func OfService(v sdp.Service, pinned bool) (sdp.ServiceSpec, bool) {
	s := sdp.ServiceSpec{Variables: cloned(v.Env), Limits: v.Limits}
	switch {
	case v.Source == sdp.SourceURL:
		s.URL = v.URL
	case v.Source == sdp.SourceOCP && (pinned || !arriving(v)):
		s.UseOCP = true
	case pinned:
		s.Branch, s.Commit = runs(v)
	default:
		s.Branch, s.Commit = wanted(v)
		s.Track = v.Track && s.Commit == ""
	}
	return s, s.UseOCP || s.URL != "" || s.Branch != "" || s.Commit != ""
}

// arriving reports whether the service's first container is on its way: until it serves, the shared environment answers.
func arriving(v sdp.Service) bool {
	return v.Serving == nil && v.Latest != nil && !v.Latest.State.Settled()
}

// wanted is what the service should run: its branch, or the commit it is pinned to.
func wanted(v sdp.Service) (branch, commit string) {
	switch {
	case v.Commit != "":
		return v.Branch, v.Commit
	case v.Latest != nil && v.Latest.Branch == "" && v.Latest.SHA != "": // deployed by its commit
		return "", v.Latest.SHA
	}
	return v.Branch, ""
}

// runs is the commit the service's container runs, with the branch it is from where that is known. A service without
// one has what it ran last, else what it should run.
func runs(v sdp.Service) (branch, commit string) {
	last := v.Latest
	switch {
	case v.Serving != nil && last != nil && last.ID == v.Serving.Deployment:
		return last.Branch, v.Serving.SHA
	case v.Serving != nil && v.Commit == v.Serving.SHA:
		return v.Branch, v.Commit
	case v.Serving != nil:
		return "", v.Serving.SHA // of an earlier deployment, of a branch nobody keeps
	case last != nil && last.State == sdp.DeployStopped && last.SHA != "":
		return last.Branch, last.SHA
	}
	return wanted(v)
}

// cloned is a copy nobody else holds; nil for an empty map.
func cloned(m map[string]string) map[string]string {
	if len(m) == 0 {
		return nil
	}
	return maps.Clone(m)
}
