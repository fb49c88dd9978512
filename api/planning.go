package api

import (
	"context"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"sdp/activities"
	"sdp/internal/postgres"
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
		return nil, sdp.Errorf(sdp.Conflict, "sandbox-exists", "there is a sandbox %s already", sandbox.Name).
			WithRemedy("choose another name, or delete it first: `sdp sandbox delete %s`", sandbox.Name)
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

// readFor reads from the database what a plan compares with.
func (s *Server) readFor(ctx context.Context, p *planning, r changeRequest) error {
	environment, err := s.environmentOf(ctx, p.spec.spec)
	if err != nil {
		return err
	}
	stored := map[string]map[string][]byte{}
	if p.current != nil {
		if stored, err = s.storedSecrets(ctx, p.current.Name); err != nil {
			return err
		}
		if err := s.underWay(ctx, p); err != nil {
			return err
		}
		if p.in.Running, err = s.running(ctx, *p.current); err != nil {
			return err
		}
		if p.in.Environment, err = s.environmentMoved(ctx, *p, environment); err != nil {
			return err
		}
	}
	p.in.Before = stored
	if r.secrets != nil {
		stored = r.secrets
	}
	p.in.Wanted = map[string]sdp.Settings{}
	for _, a := range p.spec.asks {
		p.in.Wanted[a.service] = p.settings(a, environment, stored)
	}
	return s.port(ctx, p)
}

// layer is an environment as it is stored.
type layer struct {
	sealed  sdp.SealedLayer
	files   []sdp.SealedFile
	version int
}

func (s *Server) environmentOf(ctx context.Context, spec sdp.SandboxSpec) (l layer, err error) {
	if spec.Environment != "" {
		l.sealed, l.files, l.version, err = s.db.EnvironmentLayer(ctx, spec.Environment, spec.EnvironmentVersion)
	}
	return l, err
}

// settings are what a service's container would be started with once the specification is applied.
func (p *planning) settings(a ask, environment layer, secrets map[string]map[string][]byte) sdp.Settings {
	spec := p.spec.spec
	out := sdp.Settings{Environment: spec.Environment, EnvironmentVersion: environment.version, Files: environment.files,
		Limits: p.spec.limits(a)}
	out.Layers = []sdp.SealedLayer{
		{Name: sdp.LayerRepository, Of: a.repository.Name, Variables: a.repository.Variables},
		environment.sealed,
		{Name: sdp.LayerSandbox, Of: spec.Name, Variables: spec.Variables, Secrets: secrets[""]},
		{Name: sdp.LayerService, Of: a.service, Variables: p.spec.of(a.service).Variables, Secrets: secrets[a.service]},
	}
	return out
}

// storedSecrets are the encrypted secrets of a sandbox, "", and of its services.
func (s *Server) storedSecrets(ctx context.Context, sandbox string) (map[string]map[string][]byte, error) {
	all, err := s.db.Settings(ctx, sandbox)
	if err != nil {
		return nil, err
	}
	secrets := map[string]map[string][]byte{}
	for service, settings := range all {
		for _, l := range settings.Layers {
			switch l.Name {
			case sdp.LayerSandbox:
				secrets[""] = l.Secrets
			case sdp.LayerService:
				secrets[service] = l.Secrets
			}
		}
	}
	return secrets, nil
}

// running are the deployments behind the serving containers. Nearly always that is the latest one.
func (s *Server) running(ctx context.Context, sandbox sdp.Sandbox) (map[string]sdp.Deployment, error) {
	running := map[string]sdp.Deployment{}
	for _, v := range sandbox.Services {
		switch {
		case v.Serving == nil:
		case v.Latest != nil && v.Latest.ID == v.Serving.Deployment:
			running[v.Name] = *v.Latest
		default:
			d, err := s.db.Deployment(ctx, v.Serving.Deployment)
			if err != nil {
				return nil, err
			}
			running[v.Name] = d
		}
	}
	return running, nil
}

// environmentMoved says in what the environment differs from what containers that stay have.
func (s *Server) environmentMoved(ctx context.Context, p planning, now layer) ([]sdp.Difference, error) {
	type version struct {
		name   string
		number int
	}
	wanted := version{p.spec.spec.Environment, now.version}
	seen := map[version]bool{wanted: true, {}: wanted == version{}}
	var list []sdp.Difference
	for _, name := range slices.Sorted(maps.Keys(p.in.Running)) {
		d := p.in.Running[name]
		then := version{d.Environment, d.EnvironmentVersion}
		if seen[then] || !p.spec.of(name).Deployed() {
			continue
		}
		seen[then] = true
		before, err := s.environmentOf(ctx, sdp.SandboxSpec{Environment: then.name, EnvironmentVersion: then.number})
		if sdp.KindOf(err) == sdp.NotFound {
			continue // deleted since; that it is another one is said with the services
		}
		if err != nil {
			return nil, err
		}
		for _, d := range sdp.EnvironmentDifferences(before.sealed, now.sealed, before.files, now.files) {
			if !slices.ContainsFunc(list, func(o sdp.Difference) bool { return o.What == d.What && o.Key == d.Key }) {
				list = append(list, d)
			}
		}
	}
	return list, nil
}

// underWay makes what already goes on in the sandbox a problem. Deployments are looked at with their services.
func (s *Server) underWay(ctx context.Context, p *planning) error {
	operations, _, err := s.db.Operations(ctx, p.current.Name, postgres.Page{})
	if err != nil {
		return err
	}
	for _, op := range operations {
		if op.State.Settled() || op.Kind == sdp.OpCreate { // a change simply waits for that
			continue
		}
		code, what := "sandbox-busy", string(op.Kind)
		if op.Kind.Changes() {
			code = "change-running"
		}
		if op.Service != "" {
			what += " of " + op.Service
		}
		p.in.Problems = append(p.in.Problems, sdp.ProblemOf(op.Service, sdp.Errorf(sdp.Conflict, code,
			"the %s %s, which %s asked for, is under way in sandbox %s", what, op.ID, op.RequestedBy, p.current.Name).
			WithRemedy("wait until it is done, or cancel it: `sdp cancel %s`", op.ID)))
	}
	return nil
}

// port says which public port the sandbox has, or whose range it will be taken from.
func (s *Server) port(ctx context.Context, p *planning) error {
	var err error
	switch {
	case p.current == nil:
		var node sdp.Node
		if node, err = s.gatewayNode(ctx, p.spec.gateway); err != nil {
			if !p.known(err) {
				p.in.Problems = append(p.in.Problems, sdp.ProblemOf("", err))
			}
		}
		p.in.Port.Node = node.Name
		p.in.Nodes[node.Name] = sdp.PlannedNode{Node: node.Name, Alive: err == nil, DiskFree: node.Health.DiskFree}
	default:
		p.in.Port = sdp.PlannedPort{Node: p.current.GatewayNode, Port: p.current.Port}
		if g := p.spec.gateway; g.Node != "" && g.Node != p.current.GatewayNode {
			p.in.Problems = append(p.in.Problems, sdp.ProblemOf(g.Name, sdp.Errorf(sdp.Conflict, "gateway-elsewhere",
				"the sandbox's port is on node %s, the gateway %s is on node %s", p.current.GatewayNode, g.Name, g.Node).
				WithRemedy("make a new sandbox with that gateway: `sdp sandbox clone %s NAME`, or create one", p.current.Name)))
		}
	}
	if p.in.Port.Node == "" {
		return nil
	}
	p.in.Port.Free, err = s.db.FreePorts(ctx, p.in.Port.Node)
	if err == nil && p.current == nil && p.in.Port.Free == 0 {
		p.in.Problems = append(p.in.Problems, sdp.ProblemOf("", sdp.Errorf(sdp.Exhausted, "no-free-port",
			"all public ports of node %s are taken", p.in.Port.Node).
			WithRemedy("delete a sandbox, or widen `ports:` in the node's configuration and restart its worker")))
	}
	return err
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

// keptPlans is how many plans are remembered, to say what has changed since one was looked at.
const keptPlans = 200

// recentPlans are the plans made last. A plan that is not among them is as stale as any other, only without a reason.
type recentPlans struct {
	mu     sync.Mutex
	byHash map[string]sdp.Plan
	order  []string
}

func (r *recentPlans) keep(p sdp.Plan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byHash == nil {
		r.byHash = map[string]sdp.Plan{}
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

func (r *recentPlans) find(hash string) (sdp.Plan, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.byHash[hash]
	return p, ok
}
