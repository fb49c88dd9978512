package planning

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"sdp/internal/sdp"
	"sdp/internal/sdp/definition"
	"sdp/internal/sdp/settings"
)

// Disposition says what a clone does with something.
type Disposition string

const (
	Copied      Disposition = "copied"      // the clone has its own, equal one
	Regenerated Disposition = "regenerated" // the clone gets a new one
	Shared      Disposition = "shared"      // both use the same
)

// ContractItem is one line of a clone's contract.
type ContractItem struct {
	What        string // "variable", "secret", "file", "port", "route", "container", "network", "environment", ...
	Service     string // "" = of the sandbox
	Key         string
	Disposition Disposition
	Detail      string
}

// CloneSource is a sandbox to be cloned, with all that decides what becomes of its parts.
type CloneSource struct {
	Sandbox     sdp.Sandbox
	Environment settings.EnvironmentVersion // of the sandbox's environment; zero = it has none
	Upstreams   []sdp.Upstream              // one for each service of the catalogue
	// Repositories are those that provide the sandbox's services, by name.
	Repositories map[string]sdp.Repository
	To           string // name of the clone
	Owner        string // of the clone: who clones
	Follow       bool   // the clone takes the branches' newest commits, not those that run in the sandbox
}

// Spec is what the clone is made from.
func (c CloneSource) Spec() sdp.SandboxSpec {
	spec := definition.Of(c.Sandbox, !c.Follow)
	spec.Name = c.To
	return spec
}

// Contract lists each part of the sandbox and what the clone does with it, the sandbox's own first, then service by
// service.
func (c CloneSource) Contract() []ContractItem {
	l := contractList{}
	c.own(&l)
	c.environment(&l)
	all := c.Spec().All()
	for _, route := range c.Upstreams {
		v, deployed := all[route.Service]
		l.service = route.Service
		if deployed && v.Deployed() {
			c.container(&l, v)
		} else {
			c.elsewhere(&l, route, v)
		}
		l.each(Copied, "variable", v.Variables, "the service's own; the clone can change its copy")
		l.names(Copied, "secret", c.secretKeys(route.Service), "its value, encrypted anew for the clone; never shown")
		l.limits("container", v.Limits)
	}
	return l.items
}

// own lists what belongs to the sandbox as a whole.
func (c CloneSource) own(l *contractList) {
	b := c.Sandbox
	l.add(Regenerated, "owner", c.Owner, "who clones owns the clone; %s owns %s", b.Owner, b.Name)
	l.add(Regenerated, "port", "", "the next free one of %s; %s keeps %d", b.GatewayNode, b.Name, b.Port)
	for _, node := range c.nodes() {
		l.add(Regenerated, "network", sdp.NetworkName(c.To, node), "a network of its own on %s: the two do not see each other", node)
	}
	if b.Description != "" {
		l.add(Copied, "description", "", "%s", b.Description)
	}
	l.each(Copied, "label", b.Labels, "")
	l.each(Copied, "variable", b.Variables, "the sandbox's own; the clone can change its copy")
	l.names(Copied, "secret", b.SecretKeys, "its value, encrypted anew for the clone; never shown")
	l.limits("container", b.Limits.Container)
	l.limits("total", b.Limits.Total)
	if e := b.Expiry; e != (sdp.Expiry{}) {
		l.add(Copied, "expiry", "", "has no effect yet")
	}
}

// environment lists what both sandboxes take from the same environment.
func (c CloneSource) environment(l *contractList) {
	name := c.Sandbox.Environment
	if name == "" {
		return
	}
	use := "both take its newest version at each deployment"
	if v := c.Sandbox.EnvironmentVersion; v > 0 {
		use = fmt.Sprintf("both stay at its version %d", v)
	}
	l.add(Shared, "environment", name, "%s", use)
	from := fmt.Sprintf("of environment %s@%d", name, c.Environment.Version)
	l.each(Shared, "variable", c.Environment.Variables, from)
	l.names(Shared, "secret", c.Environment.SecretKeys, from)
	for _, f := range c.Environment.Files {
		l.add(Shared, "file", f.Path, "%s", from)
	}
}

// container lists the parts of a service that runs in the sandbox.
func (c CloneSource) container(l *contractList, v sdp.ServiceSpec) {
	service, _ := c.service(l.service)
	name := sdp.ContainerName(c.To, l.service)
	l.add(Regenerated, "container", name, "a new one beside %s", sdp.ContainerName(c.Sandbox.Name, l.service))
	switch {
	case v.Commit == "":
		l.add(Shared, "branch", v.Branch, "its newest commit when the clone is made%s", trackText(v.Track))
	case service.Track:
		l.add(Copied, "commit", sdp.ShortSHA(v.Commit), "stays there; not tracked, unlike in %s, where branch %s is",
			c.Sandbox.Name, service.Branch)
	default:
		l.add(Copied, "commit", sdp.ShortSHA(v.Commit), "%s", cmp.Or(branchText(v.Branch), "stays there"))
	}
	if s := service.Serving; s != nil && v.Commit == s.SHA {
		l.add(Shared, "image", s.Image, "built already; both run it")
	}
	l.add(Regenerated, "route", l.service, "to the clone's own container once it is healthy")
	r := c.Repositories[l.service]
	if r.Port > 0 {
		l.add(Copied, "port", fmt.Sprint(r.Port), "http://%s:%d inside the clone leads to the clone's", l.service, r.Port)
	}
	l.each(Shared, "variable", r.Variables, "default of repository "+l.service)
	c.platform(l, v)
}

// elsewhere lists the parts of a service that others answer for.
func (c CloneSource) elsewhere(l *contractList, route sdp.Upstream, v sdp.ServiceSpec) {
	switch {
	case v.URL != "":
		l.add(Shared, "route", l.service, "to %s", v.URL)
	case route.URL != "":
		l.add(Shared, "route", l.service, "to the shared environment, %s", route.URL)
	default:
		l.add(Copied, "route", l.service, "nothing answers: %s", cmp.Or(route.Reason, "nothing was ever deployed"))
	}
}

func trackText(track bool) string {
	if track {
		return "; tracked, as in the sandbox"
	}
	return ""
}

func branchText(branch string) string {
	if branch == "" {
		return ""
	}
	return "of branch " + branch + "; stays there when the branch moves"
}

func (c CloneSource) service(name string) (sdp.Service, bool) {
	i := slices.IndexFunc(c.Sandbox.Services, func(v sdp.Service) bool { return v.Name == name })
	if i < 0 {
		return sdp.Service{}, false
	}
	return c.Sandbox.Services[i], true
}

func (c CloneSource) secretKeys(service string) []string {
	v, _ := c.service(service)
	return v.SecretKeys
}

// nodes are those on which the clone has containers.
func (c CloneSource) nodes() []string {
	used := map[string]bool{}
	spec := c.Spec()
	for name, v := range spec.Services {
		if v.Deployed() {
			used[c.Repositories[name].Node] = true
		}
	}
	used[c.Repositories[spec.GatewayName()].Node] = true
	delete(used, "")
	return slices.Sorted(maps.Keys(used))
}

// contractList collects items of the service it is at.
type contractList struct {
	service string
	items   []ContractItem
}

func (l *contractList) add(d Disposition, what, key, format string, args ...any) {
	l.items = append(l.items, ContractItem{What: what, Service: l.service, Key: key, Disposition: d,
		Detail: fmt.Sprintf(format, args...)})
}

func (l *contractList) each(d Disposition, what string, values map[string]string, detail string) {
	l.names(d, what, slices.Sorted(maps.Keys(values)), detail)
}

func (l *contractList) names(d Disposition, what string, keys []string, detail string) {
	for _, key := range keys {
		l.add(d, what, key, "%s", detail)
	}
}

func (l *contractList) limits(of string, limits sdp.Limits) {
	texts := limits.Texts()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		l.add(Copied, "limit", of+"."+name, "%s", texts[name])
	}
}

// platform lists the variables that the platform itself sets in a service's container.
func (c CloneSource) platform(l *contractList, v sdp.ServiceSpec) {
	was, _ := c.service(l.service)
	d := sdp.Deployment{ID: "theirs", Sandbox: c.Sandbox.Name, Service: l.service, Branch: v.Branch}
	if was.Serving != nil {
		d.SHA = was.Serving.SHA
	}
	theirs := sdp.PlatformVariables(c.Repositories[l.service], c.Upstreams, d)
	d.ID, d.Sandbox, d.SHA = "its own", c.To, cmp.Or(v.Commit, "its own")
	own := sdp.PlatformVariables(c.Repositories[l.service], c.Upstreams, d)
	var copied, regenerated []string
	for _, key := range slices.Sorted(maps.Keys(own)) {
		if own[key] == theirs[key] {
			copied = append(copied, key)
		} else {
			regenerated = append(regenerated, key)
		}
	}
	l.names(Copied, "variable", copied, "set by the platform")
	l.names(Regenerated, "variable", regenerated, "set by the platform, for the clone")
}
