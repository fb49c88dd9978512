package sdp

import (
	"maps"
	"slices"
)

// buildReserve is the disk a node keeps free besides what a plan's builds need, in bytes: a build that starts with less
// is refused.
const buildReserve = 512 << 20

// Planning is everything a plan is made from. All of it was read beforehand: Plan asks nobody.
type Planning struct {
	Spec    SandboxSpec // checked; the gateway names its repository
	Current *Sandbox    // as it is; nil = it is made
	// Running is the deployment behind each serving container, by service.
	Running map[string]Deployment
	// Wanted are the settings each service with a repository would be started with, by service.
	Wanted map[string]Settings
	// Results are the nodes' answers by service. A service whose node did not answer has none.
	Results map[string]PreflightResult
	// Nodes are the nodes that have a part in it, by name, with what is known of them; NodeOf says which is a service's.
	Nodes  map[string]PlannedNode
	NodeOf map[string]string
	// Shared are the services of the shared environment.
	Shared map[string]bool
	Port   PlannedPort
	// Environment is in what the environment differs from what running services have.
	Environment []Difference
	// Secrets, if not nil, replace the sandbox's ("") and its services' secrets; Before are those it has.
	Secrets, Before map[string]map[string][]byte
	// Problems are those found before: a node without a worker, a change that is under way.
	Problems []PlanProblem
}

// Plan says what an apply would do.
func (in Planning) Plan() Plan {
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

// All are the services of the specification, the gateway among them.
func (s SandboxSpec) All() map[string]ServiceSpec {
	all := maps.Clone(s.Services)
	if all == nil {
		all = map[string]ServiceSpec{}
	}
	if s.Gateway != nil {
		all[s.Gateway.Repository] = *s.Gateway
	}
	return all
}

// GatewayName is the service that answers at the sandbox's port; "" = the router does by path.
func (s SandboxSpec) GatewayName() string {
	if s.Gateway == nil {
		return ""
	}
	return s.Gateway.Repository
}

// names are the services of the specification and of the sandbox as it is, sorted.
func (in Planning) names(wanted map[string]ServiceSpec) []string {
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
func (in Planning) current(name string) *Service {
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
func (in Planning) nodes(p *Plan) []PlannedNode {
	used := map[string]PlannedNode{}
	need := func(name string) PlannedNode {
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
	var list []PlannedNode
	for _, name := range slices.Sorted(maps.Keys(used)) {
		n := used[name]
		if n.DiskNeeded > 0 && n.DiskFree > 0 && n.DiskNeeded+buildReserve > n.DiskFree {
			p.Problems = append(p.Problems, noRoom(n))
		}
		list = append(list, n)
	}
	return list
}

func noRoom(n PlannedNode) PlanProblem {
	return ProblemOf("", Errorf(Exhausted, "disk-full", "node %s has %s of disk free, the builds need about %s and %s must stay free",
		n.Node, RoundBytes(n.DiskFree), RoundBytes(n.DiskNeeded), FormatBytes(buildReserve)).
		WithRemedy("make room there: `sdp images prune --node %s` removes images nobody needs", n.Node))
}

// builds reports whether an image has to be made.
func (s PlannedService) builds() bool {
	return (s.Action == ActionDeploy || s.Action == ActionRestart) && !s.Cached
}

// Changes reports whether applying the plan would change anything.
func (p Plan) Changes() bool {
	return p.New || len(p.Settings) > 0 || slices.ContainsFunc(p.Services, PlannedService.changes)
}

func (s PlannedService) changes() bool { return s.Action != "" || len(s.Settings) > 0 }
