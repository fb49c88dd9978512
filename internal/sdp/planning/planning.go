// Package planning decides what is done to make a sandbox what its definition says: Input is all that was read beforehand,
// Input.Plan the pure function from it to a Plan. A Change is a plan that was accepted. CloneSource says the same of a
// clone: what becomes of each part of the sandbox it is made from.
package planning

import (
	"maps"
	"slices"

	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// Input is everything a plan is made from. All of it was read beforehand: Plan asks nobody.
type Input struct {
	Spec    sdp.SandboxSpec // checked; the gateway names its repository
	Current *sdp.Sandbox    // as it is; nil = it is made
	// Running is the deployment behind each serving container, by service.
	Running map[string]sdp.Deployment
	// Wanted are the settings each service with a repository would be started with, by service.
	Wanted map[string]settings.Settings
	// Results are the nodes' answers by service. A service whose node did not answer has none.
	Results map[string]PreflightResult
	// Nodes are the nodes that have a part in it, by name, with what is known of them; NodeOf says which is a service's.
	Nodes  map[string]Node
	NodeOf map[string]string
	// Shared are the services of the shared environment.
	Shared map[string]bool
	Port   Port
	// Environment is in what the environment differs from what running services have.
	Environment []sdp.Difference
	// Secrets, if not nil, replace the sandbox's ("") and its services' secrets; Before are those it has.
	Secrets, Before map[string]map[string][]byte
	// Problems are those found before: a node without a worker, a change that is under way.
	Problems []Problem
}

// Plan says what an apply would do.
func (in Input) Plan() Plan {
	p := Plan{Sandbox: in.Spec.Name, New: in.Current == nil, Environment: in.Environment, Port: in.Port,
		Settings: in.settings(), Problems: slices.Clone(in.Problems)}
	if in.Current != nil {
		p.RouteVersion = in.Current.RouteVersion
	}
	wanted := in.Spec.All()
	for _, name := range in.names(wanted) {
		s, problems := in.service(name, wanted)
		p.Services = append(p.Services, s)
		p.Problems = append(p.Problems, problems...)
	}
	p.Nodes = in.nodes(&p)
	p.Hash = in.hash(p)
	return p
}

// names are the services of the specification and of the sandbox as it is, sorted.
func (in Input) names(wanted map[string]sdp.ServiceSpec) []string {
	names := slices.Collect(maps.Keys(wanted))
	if in.Current != nil {
		for _, v := range in.Current.Services {
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// current is a service as it is, nil if the sandbox has none of the name.
func (in Input) current(name string) *sdp.Service {
	if in.Current != nil {
		for i, v := range in.Current.Services {
			if v.Name == name {
				return &in.Current.Services[i]
			}
		}
	}
	return nil
}

// nodes are those where something is done, with what that needs.
func (in Input) nodes(p *Plan) []Node {
	used := map[string]Node{}
	need := func(name string) Node {
		n, seen := used[name]
		if !seen {
			n = in.Nodes[name]
			n.Node = name
		}
		return n
	}
	for _, s := range p.Services {
		if s.Node == "" || s.Action == "" {
			continue
		}
		n := need(s.Node)
		r := in.Results[s.Service]
		n.Asked = max(n.Asked, r.Asked)
		if s.builds() {
			n.DiskNeeded += r.Need
			for _, image := range r.Base {
				if !slices.Contains(n.Images, image) {
					n.Images = append(n.Images, image)
				}
			}
		}
		used[s.Node] = n
	}
	if p.New && in.Port.Node != "" {
		used[in.Port.Node] = need(in.Port.Node)
	}
	var list []Node
	for _, name := range slices.Sorted(maps.Keys(used)) {
		n := used[name]
		if n.DiskNeeded > 0 && n.DiskFree > 0 && n.DiskNeeded+sdp.MinDiskFree > n.DiskFree {
			p.Problems = append(p.Problems, noRoom(n))
		}
		list = append(list, n)
	}
	return list
}

func noRoom(n Node) Problem {
	return ProblemOf("", sdp.Errorf(sdp.Exhausted, "disk-full",
		"node %s has %s of disk free, the builds need about %s and %s must stay free", n.Node,
		sdp.RoundBytes(n.DiskFree), sdp.RoundBytes(n.DiskNeeded), sdp.FormatBytes(sdp.MinDiskFree)).
		WithRemedy("make room there: `sdp images prune --node %s` removes images nobody needs", n.Node))
}

// builds reports whether an image has to be made.
func (s Service) builds() bool {
	return (s.Action == sdp.ActionDeploy || s.Action == sdp.ActionRestart) && !s.Cached
}

// Changes reports whether applying the plan would change anything.
func (p Plan) Changes() bool {
	return p.New || len(p.Settings) > 0 || slices.ContainsFunc(p.Services, Service.changes)
}

func (s Service) changes() bool { return s.Action != "" || len(s.Settings) > 0 }
