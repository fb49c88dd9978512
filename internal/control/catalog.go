package control

import (
	"context"
	"maps"
	"slices"
	"strings"

	"sdp/internal/sdp"
)

// catalog is what can be asked for: the repositories there are, read once per request.
type catalog struct {
	repositories map[string]sdp.Repository
	shared       map[string]bool // services the shared environment serves
}

func (c *Control) catalog(ctx context.Context) (catalog, error) {
	list, err := c.db.Repositories(ctx)
	if err != nil {
		return catalog{}, err
	}
	known := catalog{repositories: map[string]sdp.Repository{}, shared: map[string]bool{}}
	for _, r := range list {
		known.repositories[r.Name] = r
		known.shared[r.Name] = r.OCP != ""
	}
	for name := range c.cfg.SharedServices {
		known.shared[name] = true
	}
	return known, nil
}

func (c catalog) repository(name string) (sdp.Repository, error) {
	if r, ok := c.repositories[name]; ok {
		return r, nil
	}
	return sdp.Repository{}, unknown("repository-not-found", "repository", name, slices.Collect(maps.Keys(c.repositories)),
		"`sdp repos` lists the repositories there are; a new one is added to the node.yaml of its node")
}

// gateway returns the gateway repository that is meant by name, "" being the only one there is.
func (c catalog) gateway(name string) (sdp.Repository, error) {
	if name != "" {
		r, err := c.repository(name)
		if err == nil && !r.IsGateway() {
			return r, sdp.Errorf(sdp.Invalid, "not-a-gateway", "repository %s is on a %s node, not on a GATEWAY node", name,
				r.NodeType).WithRemedy("name a repository of a GATEWAY node; `sdp repos` shows which are")
		}
		return r, err
	}
	var found []string
	for _, r := range c.repositories {
		if r.IsGateway() {
			found = append(found, r.Name)
		}
	}
	if len(found) == 1 {
		return c.repositories[found[0]], nil
	}
	slices.Sort(found)
	if len(found) == 0 {
		return sdp.Repository{}, sdp.Errorf(sdp.NotFound, "no-gateway-repository", "no GATEWAY node has a repository").
			WithRemedy("add one to the node.yaml of the gateway node, or leave the gateway out: requests are then routed by path")
	}
	several := strings.Join(found, ", ")
	return sdp.Repository{}, sdp.Errorf(sdp.Invalid, "which-gateway", "there are several gateways: %s", several).
		WithRemedy("name one of them as gateway.repository")
}

// servedByOCP returns an error unless the shared environment serves a service.
func (c catalog) servedByOCP(service string) error {
	served, known := c.shared[service]
	switch {
	case served:
		return nil
	case known:
		return sdp.Errorf(sdp.Invalid, "not-in-ocp", "the shared environment does not serve %s", service).
			WithRemedy("give repository %s an `ocp:` URL in its node.yaml, or deploy a branch of it", service)
	}
	return unknown("unknown-service", "service", service, slices.Collect(maps.Keys(c.shared)),
		"use the name of a repository (`sdp repos`), or add the service to `ocp:` in server.yaml")
}

// unknown is a NotFound error that names what was perhaps meant.
func unknown(code, what, name string, known []string, remedy string) error {
	err := sdp.Errorf(sdp.NotFound, code, "there is no %s %q", what, sdp.Printable(name, 60))
	if near := sdp.Nearest(name, known); len(near) > 0 {
		return err.WithRemedy("did you mean %q? %s", near[0], remedy)
	}
	return err.WithRemedy("%s", remedy)
}

func mapped[A, B any](items []A, change func(A) B) []B {
	out := make([]B, 0, len(items))
	for _, item := range items {
		out = append(out, change(item))
	}
	return out
}
