package control

import (
	"context"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
	"sdp/internal/wire"
)

// planner collects what a plan is made from and holds the plan.
type planner struct {
	spec    checkedSpec
	current *sdp.Sandbox
	in      planning.Input
	plan    planning.Plan
}

// plan reads and asks all a plan needs, the nodes and the database at once, and makes it.
func (c *Control) plan(ctx context.Context, call *Call, r changeRequest) (p planner, err error) {
	if p.spec, err = c.resolveSpec(ctx, r.spec); err != nil {
		return p, err
	}
	if p.current, err = c.target(ctx, r); err != nil {
		return p, err
	}
	p.in = planning.Input{Spec: p.spec.spec, Current: p.current, Shared: p.spec.known.shared, NodeOf: map[string]string{},
		Nodes: map[string]planning.Node{}, Results: map[string]planning.PreflightResult{}, Secrets: r.secrets}
	for _, a := range p.spec.asks {
		p.in.NodeOf[a.service] = a.repository.Node
	}
	ask := c.aliveNodes(&p)
	answer, asks := wire.PlanAnswer{}, p.spec.asks
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		answer, err = c.preflight(gctx, call, asks, ask, r.images)
		return err
	})
	g.Go(func() error { return c.readFor(gctx, &p, r) })
	if err := g.Wait(); err != nil {
		return p, err
	}
	p.mergeReports(answer)
	p.plan = p.in.Plan()
	c.plans.keep(p.plan)
	return p, nil
}

// target is the sandbox a change is for; nil if it is to be made.
func (c *Control) target(ctx context.Context, r changeRequest) (*sdp.Sandbox, error) {
	sandbox, err := c.changeable(ctx, r.spec.Name)
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
func (c *Control) aliveNodes(p *planner) map[string]sdp.Node {
	wanted := map[string]bool{} // whether it deploys
	if p.current != nil {
		wanted[p.current.GatewayNode] = false
	}
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
		err := c.Alive(n)
		if err == nil && wanted[name] {
			err = usable(n)
		}
		p.in.Nodes[name] = planning.Node{Node: name, Alive: err == nil, DiskFree: n.Health.DiskFree}
		if err != nil {
			p.in.Problems = append(p.in.Problems, planning.ProblemOf("", err))
		} else if wanted[name] {
			ask[name] = n
		}
	}
	return ask
}

// leaving are the nodes of containers that the specification has no place for.
func (p *planner) leaving() map[string]bool {
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
func (c *Control) preflight(ctx context.Context, call *Call, asks []ask, nodes map[string]sdp.Node,
	images map[string]string) (wire.PlanAnswer, error) {
	in := wire.PlanInput{ID: sdp.NewID("p-")}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		box, err := c.seal(nodes[name], in.ID, call.Actor)
		if err != nil {
			return wire.PlanAnswer{}, err
		}
		node := wire.PreflightInput{ID: in.ID, Node: name, Credentials: box}
		for _, a := range asks {
			if a.repository.Node == name {
				node.Items = append(node.Items, planning.PreflightItem{Service: a.service, Repository: a.repository.Name,
					Branch: a.branch, SHA: a.commit, Image: images[a.service]})
			}
		}
		in.Nodes = append(in.Nodes, node)
	}
	if len(in.Nodes) == 0 {
		return wire.PlanAnswer{}, nil
	}
	return c.engine.Preflight(ctx, in)
}

// mergeReports takes over what the nodes said.
func (p *planner) mergeReports(answer wire.PlanAnswer) {
	for _, report := range answer.Reports {
		n := p.in.Nodes[report.Node]
		n.DiskFree = report.DiskFree
		p.in.Nodes[report.Node] = n
		for _, r := range report.Results {
			if problem := r.Problem; problem != nil && problem.Code == "wrong-credentials" {
				aged := planning.ProblemOf(r.Service, credentialsAged(&sdp.Error{Kind: problem.Kind, Code: problem.Code, Detail: problem.Detail}))
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
		p.in.Problems = append(p.in.Problems, planning.Problem{Kind: f.Kind, Code: f.Code, Detail: f.Detail, Remedy: f.Remedy, Command: f.Command})
	}
}

// known reports whether an error is a problem of the plan already.
func (p *planner) known(err error) bool {
	e := sdp.AsError(err)
	return slices.ContainsFunc(p.in.Problems, func(o planning.Problem) bool { return o.Code == e.Code && o.Detail == e.Detail })
}

// target is where a service's requests go once the specification is applied.
func (p *planner) target(service string) (sdp.Source, string) {
	switch v := p.spec.of(service); {
	case v.URL != "":
		return sdp.SourceURL, v.URL
	case v.UseOCP:
		return sdp.SourceOCP, ""
	}
	return sdp.SourceSandbox, ""
}

// asked are what deployments ask for, for the audit.
func (p *planner) asked(deployments []sdp.Deployment) []ask {
	return mapped(deployments, func(d sdp.Deployment) ask {
		return ask{service: d.Service, branch: d.Branch, commit: d.SHA, repository: p.spec.known.repositories[d.Repository]}
	})
}

// keptPlans is how many plans are remembered, to say what has changed since one was looked at.
const keptPlans = 200

// recentPlans are the plans made last. A plan that is not among them is as stale as any other, only without a reason.
type recentPlans struct {
	mu     sync.Mutex
	byHash map[string]planning.Plan
	order  []string
}

func (r *recentPlans) keep(p planning.Plan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byHash == nil {
		r.byHash = map[string]planning.Plan{}
	}
	if _, again := r.byHash[p.Hash]; !again {
		r.order = append(r.order, p.Hash)
	}
	r.byHash[p.Hash] = p
	if len(r.order) > keptPlans {
		delete(r.byHash, r.order[0])
		r.order = slices.Delete(r.order, 0, 1)
	}
}

func (r *recentPlans) find(hash string) (planning.Plan, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.byHash[hash]
	return p, ok
}
