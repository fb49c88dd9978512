package control

import (
	"context"
	"maps"
	"slices"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
	"sdp/internal/sdp/settings"
)

// readFor reads from the database what a plan compares with.
func (c *Control) readFor(ctx context.Context, p *planner, r changeRequest) error {
	environment, err := c.environmentOf(ctx, p.spec.spec)
	if err != nil {
		return err
	}
	stored := map[string]map[string][]byte{}
	if p.current != nil {
		if stored, err = c.storedSecrets(ctx, p.current.Name); err != nil {
			return err
		}
		if err := c.underWay(ctx, p); err != nil {
			return err
		}
		if p.in.Running, err = c.running(ctx, *p.current); err != nil {
			return err
		}
		if p.in.Environment, err = c.environmentMoved(ctx, *p, environment); err != nil {
			return err
		}
	}
	p.in.Before = stored
	if r.secrets != nil {
		stored = r.secrets
	}
	p.checkSizes(stored)
	p.in.Wanted = map[string]settings.Settings{}
	for _, a := range p.spec.asks {
		p.in.Wanted[a.service] = p.settings(a, environment, stored)
	}
	return c.port(ctx, p)
}

// checkSizes makes it a problem if the sandbox or a service would have more variables and secrets than fit.
func (p *planner) checkSizes(secrets map[string]map[string][]byte) {
	check := func(service, whose string, had map[string]string, wants map[string]string) {
		before := settings.OwnValues{Variables: had, Secrets: p.in.Before[service]}
		after := settings.OwnValues{Secrets: secrets[service]}.With(settings.OwnValues{Variables: wants})
		if err := settings.CheckOwnSize(whose, before, after); err != nil {
			p.in.Problems = append(p.in.Problems, planning.ProblemOf(service, err))
		}
	}
	had := map[string]map[string]string{}
	if p.current != nil {
		had[""] = p.current.Variables
		for _, v := range p.current.Services {
			had[v.Name] = v.Env
		}
	}
	check("", "the sandbox", had[""], p.spec.spec.Variables)
	for _, a := range p.spec.asks {
		check(a.service, "service "+a.service, had[a.service], p.spec.of(a.service).Variables)
	}
}

// layer is an environment as it is stored.
type layer struct {
	sealed  settings.SealedLayer
	files   []settings.SealedFile
	version int
}

func (c *Control) environmentOf(ctx context.Context, spec sdp.SandboxSpec) (l layer, err error) {
	if spec.Environment != "" {
		l.sealed, l.files, l.version, err = c.db.EnvironmentLayer(ctx, spec.Environment, spec.EnvironmentVersion)
	}
	return l, err
}

// settings are what a service's container would be started with once the specification is applied.
func (p *planner) settings(a ask, environment layer, secrets map[string]map[string][]byte) settings.Settings {
	spec := p.spec.spec
	return settings.Settings{Environment: spec.Environment, EnvironmentVersion: environment.version, Files: environment.files,
		Limits: p.spec.limits(a),
		Layers: settings.LayersOf(a.repository.Name, a.repository.Variables, &environment.sealed,
			spec.Name, settings.OwnValues{Variables: spec.Variables, Secrets: secrets[""]},
			a.service, settings.OwnValues{Variables: p.spec.of(a.service).Variables, Secrets: secrets[a.service]})}
}

// storedSecrets are the encrypted secrets of a sandbox, "", and of its services.
func (c *Control) storedSecrets(ctx context.Context, sandbox string) (map[string]map[string][]byte, error) {
	all, err := c.db.Settings(ctx, sandbox)
	if err != nil {
		return nil, err
	}
	secrets := map[string]map[string][]byte{}
	for service, given := range all {
		for _, l := range given.Layers {
			switch l.Name {
			case settings.LayerSandbox:
				secrets[""] = l.Secrets
			case settings.LayerService:
				secrets[service] = l.Secrets
			case settings.LayerPlatform, settings.LayerRepository, settings.LayerEnvironment: // not the sandbox's own
			}
		}
	}
	return secrets, nil
}

// running are the deployments behind the serving containers. Nearly always that is the latest one.
func (c *Control) running(ctx context.Context, sandbox sdp.Sandbox) (map[string]sdp.Deployment, error) {
	running := map[string]sdp.Deployment{}
	for _, v := range sandbox.Services {
		switch {
		case v.Serving == nil:
		case v.Latest != nil && v.Latest.ID == v.Serving.Deployment:
			running[v.Name] = *v.Latest
		default:
			d, err := c.db.Deployment(ctx, v.Serving.Deployment)
			if err != nil {
				return nil, err
			}
			running[v.Name] = d
		}
	}
	return running, nil
}

// environmentMoved says in what the environment differs from what containers that stay have.
func (c *Control) environmentMoved(ctx context.Context, p planner, now layer) ([]sdp.Difference, error) {
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
		before, err := c.environmentOf(ctx, sdp.SandboxSpec{Environment: then.name, EnvironmentVersion: then.number})
		if sdp.KindOf(err) == sdp.NotFound {
			continue // deleted since; that it is another one is said with the services
		}
		if err != nil {
			return nil, err
		}
		for _, d := range settings.EnvironmentDifferences(before.sealed, now.sealed, before.files, now.files) {
			if !slices.ContainsFunc(list, func(o sdp.Difference) bool { return o.What == d.What && o.Key == d.Key }) {
				list = append(list, d)
			}
		}
	}
	return list, nil
}

// underWay makes what already goes on in the sandbox a problem. Deployments are looked at with their services.
func (c *Control) underWay(ctx context.Context, p *planner) error {
	operations, _, err := c.db.Operations(ctx, postgres.OperationFilter{Sandbox: p.current.Name}, postgres.Page{})
	if err != nil {
		return err
	}
	for _, op := range operations {
		if op.State.Settled() || op.Kind == sdp.OpCreate || op.Kind.Rules().Lane == sdp.LaneFree { // a change waits for it, or need not
			continue
		}
		code, what := "sandbox-busy", string(op.Kind)
		if op.Kind.Changes() {
			code = "change-running"
		}
		if op.Service != "" {
			what += " of " + op.Service
		}
		p.in.Problems = append(p.in.Problems, planning.ProblemOf(op.Service, sdp.Errorf(sdp.Conflict, code,
			"the %s %s, which %s asked for, is under way in sandbox %s", what, op.ID, op.RequestedBy, p.current.Name).
			WithRemedy("wait until it is done, or cancel it: `sdp cancel %s`", op.ID)))
	}
	return nil
}

// port says which public port the sandbox has, or whose range it will be taken from.
func (c *Control) port(ctx context.Context, p *planner) error {
	var err error
	if p.current == nil {
		var node sdp.Node
		if node, err = c.gatewayNode(ctx, p.spec.gateway); err != nil {
			if !p.known(err) {
				p.in.Problems = append(p.in.Problems, planning.ProblemOf("", err))
			}
		}
		p.in.Port.Node = node.Name
		p.in.Nodes[node.Name] = planning.Node{Node: node.Name, Alive: err == nil, DiskFree: node.Health.DiskFree}
	} else {
		p.in.Port = planning.Port{Node: p.current.GatewayNode, Port: p.current.Port}
		if g := p.spec.gateway; g.Node != "" && g.Node != p.current.GatewayNode {
			p.in.Problems = append(p.in.Problems, planning.ProblemOf(g.Name, sdp.Errorf(sdp.Conflict, "gateway-elsewhere",
				"the sandbox's port is on node %s, the gateway %s is on node %s", p.current.GatewayNode, g.Name, g.Node).
				WithRemedy("make a new sandbox with that gateway: `sdp sandbox clone %s NAME`, or create one", p.current.Name)))
		}
	}
	if p.in.Port.Node == "" {
		return nil
	}
	p.in.Port.Free, err = c.db.FreePorts(ctx, p.in.Port.Node)
	if err == nil && p.current == nil && p.in.Port.Free == 0 {
		p.in.Problems = append(p.in.Problems, planning.ProblemOf("", sdp.Errorf(sdp.Exhausted, "no-free-port",
			"all public ports of node %s are taken", p.in.Port.Node).
			WithRemedy("delete a sandbox, or widen `ports:` in the node's configuration")))
	}
	return err
}
