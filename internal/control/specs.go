package control

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sdp/internal/sdp"
	"sdp/internal/sdp/definition"
)

// checkedSpec is a specification that was checked against what there is.
type checkedSpec struct {
	spec    sdp.SandboxSpec // the gateway's repository is filled in
	gateway sdp.Repository  // zero = none
	asks    []ask           // what runs a container of its own, the gateway first, then by name
	known   catalog
	nodes   map[string]sdp.Node // all there are
}

// CheckSpec refuses a specification that could not be carried out whatever the state of its sandbox: wrong names,
// branches, commits, URLs and variables, an unknown repository or environment, limits beyond the nodes' capacity.
func (c *Control) CheckSpec(ctx context.Context, spec sdp.SandboxSpec) error {
	_, err := c.resolveSpec(ctx, spec)
	return err
}

// resolveSpec is CheckSpec for who goes on with the specification. With an error it returns what it could make sense of,
// for the audit.
func (c *Control) resolveSpec(ctx context.Context, spec sdp.SandboxSpec) (checkedSpec, error) {
	checked := checkedSpec{spec: spec}
	if err := definition.Check(spec); err != nil {
		return checked, err
	}
	var err error
	if checked, err = c.surroundings(ctx); err != nil {
		return checked, err
	}
	checked.spec = spec
	if err := c.checkEnvironment(ctx, spec.Environment, spec.EnvironmentVersion); err != nil {
		return checked, err
	}
	if err := checked.addGateway(); err != nil {
		return checked, err
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Services)) {
		if err := checked.addService(name, spec.Services[name]); err != nil {
			return checked, err
		}
	}
	return checked, checked.checkLimits()
}

// surroundings are the repositories and nodes there are.
func (c *Control) surroundings(ctx context.Context) (around checkedSpec, err error) {
	if around.known, err = c.catalog(ctx); err != nil {
		return around, err
	}
	nodes, err := c.db.Nodes(ctx)
	around.nodes = map[string]sdp.Node{}
	for _, n := range nodes {
		around.nodes[n.Name] = n
	}
	return around, err
}

func (c *checkedSpec) addGateway() error {
	if c.spec.Gateway == nil {
		return nil
	}
	gateway := *c.spec.Gateway
	repository, err := c.known.gateway(gateway.Repository)
	if err != nil {
		return err
	}
	gateway.Repository = repository.Name
	c.spec.Gateway, c.gateway = &gateway, repository
	c.asks = append(c.asks, ask{service: repository.Name, branch: gateway.Branch, commit: gateway.Commit, repository: repository})
	return nil
}

func (c *checkedSpec) addService(name string, v sdp.ServiceSpec) error {
	if name == c.gateway.Name {
		return sdp.Errorf(sdp.Invalid, "gateway-twice", "%s is the gateway and a service at once", name).
			WithRemedy("leave it out of services")
	}
	switch {
	case v.UseOCP:
		return c.known.servedByOCP(name)
	case v.URL != "":
		return checkTargetURL(v.URL)
	}
	repository, err := c.known.repository(name)
	if err != nil {
		return err
	}
	c.asks = append(c.asks, ask{service: name, branch: v.Branch, commit: v.Commit, repository: repository})
	return nil
}

// of returns what the specification says of a service that runs a container.
func (c *checkedSpec) of(service string) sdp.ServiceSpec {
	if service == c.gateway.Name && c.spec.Gateway != nil {
		return c.spec.Gateway.Service()
	}
	return c.spec.Services[service]
}

// limits are those a service's container would have.
func (c *checkedSpec) limits(a ask) sdp.Limits {
	return c.of(a.service).Limits.Or(c.spec.Limits.Container).Or(c.nodes[a.repository.Node].Limits)
}

// checkLimits refuses a container that its node cannot give what it asks for, and containers that would get more
// together than the sandbox may have. Nodes that have not said what they have are not held to it.
func (c *checkedSpec) checkLimits() error {
	for _, a := range c.asks {
		node, l := c.nodes[a.repository.Node], c.limits(a)
		if cpus := float64(node.Health.CPUs); cpus > 0 && l.CPUs > cpus {
			return tooMuch(a.service, fmt.Sprintf("%g CPUs", l.CPUs), node.Name, fmt.Sprintf("%g", cpus), "cpus")
		}
		if total := node.Health.MemoryTotal; total > 0 && int64(l.Memory) > total {
			return tooMuch(a.service, l.Memory.String()+" of memory", node.Name, sdp.RoundBytes(total), "memory")
		}
	}
	for _, member := range limitMembers {
		if err := c.checkTotal(member); err != nil {
			return err
		}
	}
	return nil
}

func tooMuch(service, wanted, node, has, member string) error {
	return sdp.Errorf(sdp.Invalid, "limit-above-capacity", "%s may use %s, but node %s has %s", service, wanted, node, has).
		WithRemedy("lower limits.%s of the service, or limits.container.%s of the sandbox", member, member)
}

// limitMember is one of the three things a limit is about.
type limitMember struct {
	name string
	of   func(sdp.Limits) float64
	text func(float64) string
}

var limitMembers = []limitMember{
	{"cpus", func(l sdp.Limits) float64 { return l.CPUs }, func(v float64) string { return fmt.Sprintf("%g", v) }},
	{"memory", func(l sdp.Limits) float64 { return float64(l.Memory) }, func(v float64) string { return sdp.FormatBytes(int64(v)) }},
	{"pids", func(l sdp.Limits) float64 { return float64(l.PIDs) }, func(v float64) string { return fmt.Sprintf("%g", v) }},
}

// checkTotal adds the containers' limits up, in the words of the message.
func (c *checkedSpec) checkTotal(m limitMember) error {
	allowed := m.of(c.spec.Limits.Total)
	if allowed == 0 {
		return nil
	}
	sum := 0.0
	var terms []string
	for _, a := range c.asks {
		one := m.of(c.limits(a))
		if one == 0 {
			return sdp.Errorf(sdp.Invalid, "limit-missing", "limits.total.%s is %s, but %s has no limit of its own", m.name,
				m.text(allowed), a.service).WithRemedy("set limits.container.%s", m.name)
		}
		sum += one
		terms = append(terms, a.service+" "+m.text(one))
	}
	if sum <= allowed+1e-9 { // sums of tenths of a CPU are not exact
		return nil
	}
	return sdp.Errorf(sdp.Invalid, "limit-above-total", "the containers may use more %s together than limits.total.%s allows: %s = %s, allowed are %s",
		m.name, m.name, strings.Join(terms, " + "), m.text(sum), m.text(allowed)).
		WithRemedy("lower the limits of the services or limits.container.%s, or raise limits.total.%s", m.name, m.name)
}
