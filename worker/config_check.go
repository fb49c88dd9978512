package worker

import (
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"sdp/internal/config"
	"sdp/internal/git"
	"sdp/internal/router/egress"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
	"sdp/internal/wire"
)

// Validate implements config.Validator.
func (c *NodeConfig) Validate(f *config.File) error {
	return c.checkAll(f, c.checkIdentity, c.checkPlaces, c.checkPorts, c.checkRoutes, c.checkBounds, c.checkRepositories)
}

func (c *NodeConfig) checkAll(f *config.File, checks ...func(*config.File) error) error {
	for _, check := range checks {
		if err := check(f); err != nil {
			return err
		}
	}
	return nil
}

func (c *NodeConfig) checkIdentity(f *config.File) error {
	if err := sdp.CheckNodeName(c.Node); err != nil {
		return f.Errorf([]any{"node"}, "use up to 24 lower-case letters, digits and dashes", "node: %q is not a valid name", c.Node)
	}
	if err := sdp.CheckNodeName(c.Instance); err != nil {
		return f.Errorf([]any{"instance"}, "use up to 24 lower-case letters, digits and dashes", "instance: %q is not a valid name", c.Instance)
	}
	switch c.Type {
	case sdp.Micro, sdp.Gateway, sdp.Infra:
		return nil
	}
	return f.Errorf([]any{"type"}, "write MICRO, GATEWAY or INFRA", "type: there is no node type %q", c.Type)
}

func (c *NodeConfig) checkPlaces(f *config.File) error {
	if c.Address == "" || strings.ContainsAny(c.Address, "/ :") {
		return f.Errorf([]any{"address"}, "write the host name or IP at which other nodes reach this one, without a port",
			"address: %q is not a host", c.Address)
	}
	if !filepath.IsAbs(c.Data) {
		return f.Errorf([]any{"data"}, "write an absolute path", "data: %q is not an absolute path", c.Data)
	}
	if u, err := url.Parse(c.Server.URL); err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return f.Errorf([]any{"server", "url"}, "write the server's address, such as http://control:7700", "server.url: %q is not a URL", c.Server.URL)
	}
	if _, _, err := net.SplitHostPort(c.Temporal.Address); err != nil {
		return f.Errorf([]any{"temporal", "address"}, "write host:port of Temporal's frontend", "temporal.address: %q is not an address", c.Temporal.Address)
	}
	if c.CodecKeys == "" {
		return f.Errorf([]any{"codecKeys"}, "copy the key file from the server and write its path here", "codecKeys: is missing")
	}
	if c.Server.TokenFile == "" {
		return f.Errorf([]any{"server", "tokenFile"}, "make one with `sdp node token "+c.Node+"` on the server", "server.tokenFile: is missing")
	}
	return nil
}

func (c *NodeConfig) checkPorts(f *config.File) error {
	if _, _, err := c.Ports.Bounds(); err != nil {
		return f.Errorf([]any{"ports"}, `write a range such as "8080-8119"`, "ports: %v", err)
	}
	if c.Type == sdp.Gateway && c.Ports == "" {
		return f.Errorf([]any{"ports"}, `a GATEWAY node needs public ports for its sandboxes; write a range such as "8080-8119"`, "ports: is missing")
	}
	if c.MeshPort < 1 || c.MeshPort > 65535 {
		return f.Errorf([]any{"meshPort"}, "write a port between 1 and 65535", "meshPort: %d is not a port", c.MeshPort)
	}
	first, last, _ := c.Ports.Bounds()
	if first > 0 && c.MeshPort >= first && c.MeshPort <= last {
		return f.Errorf([]any{"meshPort"}, "choose one outside the range of public ports", "meshPort: %d lies in %s", c.MeshPort, c.Ports)
	}
	prefix, err := netip.ParsePrefix(c.Networks)
	if err != nil || !prefix.Addr().Is4() || prefix.Bits() > 26 {
		return f.Errorf([]any{"networks"}, "write an IPv4 prefix of at least /26 that nothing else uses, such as 10.213.0.0/16",
			"networks: %q is not valid", c.Networks)
	}
	return nil
}

func (c *NodeConfig) checkRoutes(f *config.File) error {
	for i, entry := range c.Routes.Deny {
		if _, err := netip.ParsePrefix(entry); err != nil {
			return f.Errorf([]any{"routes", "deny", i}, "write it as 10.20.0.0/24", "routes.deny: %q is not a prefix", entry)
		}
	}
	for i, entry := range c.Routes.Allow {
		if err := egress.CheckAllowed(entry); err != nil {
			e := sdp.AsError(err)
			return f.Errorf([]any{"routes", "allow", i}, e.Remedy, "routes.allow: %s", e.Detail)
		}
	}
	return nil
}

// shortestEvery keeps a node from being busy with itself.
const shortestEvery = 500 * time.Millisecond

func (c *NodeConfig) checkBounds(f *config.File) error {
	bad := func(key string, at ...any) error {
		return f.Errorf(at, "write a number above zero, or leave the key out for the default", "%s: must be above zero", key)
	}
	tooOften := func(key string) error {
		return f.Errorf([]any{key}, "write a duration such as 10s", "%s: must be %s or more", key, shortestEvery)
	}
	switch {
	case c.Builds.Concurrency < 1:
		return bad("builds.concurrency", "builds", "concurrency")
	case c.Builds.Timeout <= 0:
		return bad("builds.timeout", "builds", "timeout")
	case c.Builds.Memory < 64<<20:
		return f.Errorf([]any{"builds", "memory"}, "write bytes, at least 67108864", "builds.memory: %d is too little", c.Builds.Memory)
	case !percentage(c.Builds.Pressure.CPU) || !percentage(c.Builds.Pressure.Memory):
		return f.Errorf([]any{"builds", "pressure"}, "write percentages up to 100, or 0 to take no notice",
			"builds.pressure: cpu and memory are %v and %v", c.Builds.Pressure.CPU, c.Builds.Pressure.Memory)
	case c.Builds.Pressure.Free < 0:
		return f.Errorf([]any{"builds", "pressure"}, "write bytes, or 0 to take no notice", "builds.pressure.free: %d is less than nothing",
			c.Builds.Pressure.Free)
	case c.Drain <= 0:
		return bad("drain", "drain")
	case c.HealthTimeout <= 0:
		return bad("healthTimeout", "healthTimeout")
	case c.ProbeEvery < shortestEvery:
		return tooOften("probeEvery")
	case c.ReconcileEvery < shortestEvery:
		return tooOften("reconcileEvery")
	case c.Limits.Memory < 16<<20:
		return f.Errorf([]any{"limits", "memory"}, "write bytes, at least 16777216", "limits.memory: %d is too little", c.Limits.Memory)
	case c.Limits.CPUs <= 0:
		return bad("limits.cpus", "limits", "cpus")
	case c.Images.Watermark < 0 || c.Images.Watermark > 99:
		return f.Errorf([]any{"images", "watermark"}, "write a percentage from 1 to 99, or 0 for never",
			"images.watermark: %d is not a percentage from 1 to 99", c.Images.Watermark)
	case c.Limits.PIDs < 8:
		return f.Errorf([]any{"limits", "pids"}, "write at least 8", "limits.pids: %d is too few", c.Limits.PIDs)
	}
	return nil
}

func percentage(v float64) bool { return v >= 0 && v <= 100 }

// checkRepositories fails where it is not clear what a repository is called. One that cannot be used is out, and the others
// work.
func (c *NodeConfig) checkRepositories(f *config.File) error {
	seen := map[string]bool{}
	c.problems = map[string]string{}
	for i := range c.Repositories {
		r := &c.Repositories[i]
		at := func(key string) []any { return []any{"repositories", i, key} }
		if err := sdp.CheckServiceName(r.Name); err != nil {
			return f.Errorf(at("name"), "use up to 24 lower-case letters, digits and dashes", "repositories: %q is not a valid name", r.Name)
		}
		if seen[r.Name] {
			return f.Errorf(at("name"), "give each repository a name of its own", "repositories: %q is there twice", r.Name)
		}
		seen[r.Name] = true
		if err := checkRepository(r, f, at); err != nil {
			e := sdp.AsError(err)
			c.problems[r.Name] = e.Detail + "; " + e.Remedy
		}
	}
	return nil
}

func checkRepository(r *wire.RepositoryConfig, f *config.File, at func(string) []any) error {
	if !filepath.IsAbs(r.Path) {
		return f.Errorf(at("path"), "write the absolute path of the clone", "repository %s: path %q is not absolute", r.Name, r.Path)
	}
	if _, err := git.Open(r.Path); err != nil {
		e := sdp.AsError(err)
		return f.Errorf(at("path"), e.Remedy, "repository %s: %s", r.Name, e.Detail)
	}
	if r.Port < 1 || r.Port > 65535 {
		return f.Errorf(at("port"), "write the port the service listens on", "repository %s: %d is not a port", r.Name, r.Port)
	}
	if r.Health != "" && !strings.HasPrefix(r.Health, "/") {
		return f.Errorf(at("health"), "write a path such as /healthz", "repository %s: health %q is not a path", r.Name, r.Health)
	}
	if name, _, _ := strings.Cut(r.User, ":"); name == "root" || name == "0" {
		return f.Errorf(at("user"), "name another user, or leave the key out: SDP then uses the image's, or 65532 in place of root",
			"repository %s: containers never run as root", r.Name)
	}
	if u, err := url.Parse(r.OCP); r.OCP != "" && (err != nil || u.Host == "" || u.User != nil) {
		return f.Errorf(at("ocp"), "write the URL at which OCP serves it, without credentials", "repository %s: ocp is not a usable URL", r.Name)
	}
	if u := r.Env.Upstreams; u != "" && !strings.Contains(u, "{{SERVICE}}") {
		return f.Errorf(at("env"), `write a pattern such as "{{SERVICE}}_URL"`, "repository %s: env.upstreams lacks {{SERVICE}}", r.Name)
	}
	for key := range r.Env.Vars {
		if err := sdp.CheckEnvKey(key); err != nil {
			return f.Errorf(at("env"), "use letters, digits and underscores", "repository %s: %q cannot name a variable", r.Name, key)
		}
	}
	if err := settings.CheckRepositorySize(r.Env.Vars); err != nil {
		e := sdp.AsError(err)
		return f.Errorf(at("env"), e.Remedy, "repository %s: %s", r.Name, e.Detail)
	}
	return checkKind(r, f, at)
}

func checkKind(r *wire.RepositoryConfig, f *config.File, at func(string) []any) error {
	switch r.Kind {
	case sdp.GoRepository:
		if r.Build == "" {
			r.Build = "."
		}
		if !filepath.IsLocal(r.Build) {
			return f.Errorf(at("build"), "write a package path inside the clone, such as ./cmd/account", "repository %s: build %q leaves the clone", r.Name, r.Build)
		}
		return nil
	case sdp.DockerfileRepository:
		if r.Dockerfile == "" {
			r.Dockerfile = "Dockerfile"
		}
		if !filepath.IsLocal(r.Dockerfile) {
			return f.Errorf(at("dockerfile"), "write a path inside the clone", "repository %s: dockerfile %q leaves the clone", r.Name, r.Dockerfile)
		}
		return nil
	}
	return f.Errorf(at("kind"), "write go or dockerfile", "repository %s: there is no kind %q", r.Name, r.Kind)
}
