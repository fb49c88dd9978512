package api

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"sdp/activities"
	"sdp/internal/sdp"
	"sdp/workflows"
)

// planning collects what a plan is made from and holds the plan.
type planning struct {
	spec    checkedSpec
	current *sdp.Sandbox
	in      sdp.Planning
	plan    sdp.Plan
}

// plan reads and asks all a plan needs, the nodes and the database at once, and makes it.
func (s *Server) plan(ctx context.Context, r changeRequest) (p planning, err error) {
	if p.spec, err = s.resolveSpec(ctx, r.spec); err != nil {
		return p, err
	}
	if p.current, err = s.target(ctx, r); err != nil {
		return p, err
	}
	p.in = sdp.Planning{Spec: p.spec.spec, Current: p.current, Shared: p.spec.known.shared, NodeOf: map[string]string{},
		Nodes: map[string]sdp.PlannedNode{}, Results: map[string]sdp.PreflightResult{}, Secrets: r.secrets}
	for _, a := range p.spec.asks {
		p.in.NodeOf[a.service] = a.repository.Node
	}
	ask := s.aliveNodes(&p)
	answer, asks := workflows.PreflightAnswer{}, p.spec.asks
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		answer, err = s.preflight(gctx, asks, ask, r.images)
		return err
	})
	g.Go(func() error { return s.readFor(gctx, &p, r) })
	if err := g.Wait(); err != nil {
		return p, err
	}
	p.heard(answer)
	p.plan = p.in.Plan()
	s.plans.keep(p.plan)
	return p, nil
}

// target is the sandbox a change is for; nil if it is to be made.
func (s *Server) target(ctx context.Context, r changeRequest) (*sdp.Sandbox, error) {
	sandbox, err := s.changeable(ctx, r.spec.Name)
	switch {
	case sdp.KindOf(err) == sdp.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case r.isNew:
		return nil, sandboxExists(sandbox.Name)
	}
	return &sandbox, nil
}

// aliveNodes notes the nodes the plan has to do with and returns those to ask. Each that cannot take work now is a
// problem of the plan: nothing waits for it.
func (s *Server) aliveNodes(p *planning) map[string]sdp.Node {
	wanted := map[string]bool{} // whether it deploys
	for _, a := range p.spec.asks {
		wanted[a.repository.Node] = true
	}
	for node := range p.leaving() {
		wanted[node] = wanted[node] || false
	}
	ask := map[string]sdp.Node{}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		n := p.spec.nodes[name]
		n.Name = name
		err := s.alive(n)
		if err == nil && wanted[name] {
			err = usable(n)
		}
		p.in.Nodes[name] = sdp.PlannedNode{Node: name, Alive: err == nil, DiskFree: n.Health.DiskFree}
		if err != nil {
			p.in.Problems = append(p.in.Problems, sdp.ProblemOf("", err))
		} else if wanted[name] {
			ask[name] = n
		}
	}
	return ask
}

// leaving are the nodes of containers that the specification has no place for.
func (p *planning) leaving() map[string]bool {
	nodes := map[string]bool{}
	if p.current == nil {
		return nodes
	}
	wanted := p.spec.spec.All()
	for _, v := range p.current.Services {
		if v.Serving != nil && !wanted[v.Name].Deployed() {
			nodes[v.Serving.Node] = true
		}
	}
	return nodes
}

// preflight asks the nodes, with the caller's own credentials sealed to each.
func (s *Server) preflight(ctx context.Context, asks []ask, nodes map[string]sdp.Node, images map[string]string) (workflows.PreflightAnswer, error) {
	in := workflows.PreflightInput{ID: sdp.NewID("p-")}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		box, err := seal(nodes[name], in.ID, sessionOf(ctx), s.cfg.Now())
		if err != nil {
			return workflows.PreflightAnswer{}, err
		}
		node := activities.PreflightInput{ID: in.ID, Node: name, Credentials: box}
		for _, a := range asks {
			if a.repository.Node == name {
				node.Items = append(node.Items, sdp.PreflightItem{Service: a.service, Repository: a.repository.Name,
					Branch: a.branch, SHA: a.commit, Image: images[a.service]})
			}
		}
		in.Nodes = append(in.Nodes, node)
	}
	if len(in.Nodes) == 0 {
		return workflows.PreflightAnswer{}, nil
	}
	return s.cfg.Engine.Preflight(ctx, in)
}

// heard takes over what the nodes said.
func (p *planning) heard(answer workflows.PreflightAnswer) {
	for _, report := range answer.Reports {
		n := p.in.Nodes[report.Node]
		n.DiskFree = report.DiskFree
		p.in.Nodes[report.Node] = n
		for _, r := range report.Results {
			if problem := r.Problem; problem != nil && problem.Code == "wrong-credentials" {
				aged := sdp.ProblemOf(r.Service, credentialsAged(&sdp.Error{Kind: problem.Kind, Code: problem.Code, Detail: problem.Detail}))
				r.Problem = &aged
			}
			p.in.Results[r.Service] = r
		}
	}
	for _, name := range slices.Sorted(maps.Keys(answer.Failures)) {
		f := answer.Failures[name]
		n := p.in.Nodes[name]
		n.Alive = false
		p.in.Nodes[name] = n
		p.in.Problems = append(p.in.Problems, sdp.PlanProblem{Kind: f.Kind, Code: f.Code, Detail: f.Detail, Remedy: f.Remedy})
	}
}

// known reports whether an error is a problem of the plan already.
func (p *planning) known(err error) bool {
	e := sdp.AsError(err)
	return slices.ContainsFunc(p.in.Problems, func(o sdp.PlanProblem) bool { return o.Code == e.Code && o.Detail == e.Detail })
}

// target is where a service's requests go once the specification is applied.
func (p *planning) target(service string) (sdp.Source, string) {
	switch v := p.spec.of(service); {
	case v.URL != "":
		return sdp.SourceURL, v.URL
	case v.UseOCP:
		return sdp.SourceOCP, ""
	}
	return sdp.SourceSandbox, ""
}

// asked are what deployments ask for, for the audit.
func (p *planning) asked(deployments []sdp.Deployment) []ask {
	return views(deployments, func(d sdp.Deployment) ask {
		return ask{service: d.Service, branch: d.Branch, commit: d.SHA, repository: p.spec.known.repositories[d.Repository]}
	})
}
