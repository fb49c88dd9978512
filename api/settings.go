package api

import (
	"context"
	"maps"
	"slices"
	"strings"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// UpdateSandbox is the body of PATCH /sandboxes/{name}. What is absent stays as it is; labels, variables and secrets are
// added to those there are.
type UpdateSandbox struct {
	Description        *string           `json:"description,omitempty" maxLength:"500"`
	Labels             map[string]string `json:"labels,omitempty" maxProperties:"50"`
	Environment        *string           `json:"environment,omitempty" maxLength:"60" doc:"empty = none"`
	EnvironmentVersion *int              `json:"environmentVersion,omitempty" minimum:"0" doc:"0 = the newest at each deployment"`
	Variables          map[string]string `json:"variables,omitempty" maxProperties:"200"`
	Secrets            map[string]string `json:"secrets,omitempty" maxProperties:"200" doc:"never shown again"`
	Unset              []string          `json:"unset,omitempty" maxItems:"400" doc:"names of variables and secrets to remove"`
	UnsetLabels        []string          `json:"unsetLabels,omitempty" maxItems:"50"`
	Limits             *SandboxLimits    `json:"limits,omitempty" doc:"replaces all limits of the sandbox"`
	Expiry             *Expiry           `json:"expiry,omitempty" doc:"replaces both"`
}

// UpdatedSandbox is the answer to PATCH /sandboxes/{name}.
type UpdatedSandbox struct {
	Sandbox Sandbox  `json:"sandbox"`
	Behind  []string `json:"behind" doc:"services that run with other settings than a restart would give them"`
}

type updateSandboxInput struct {
	Name string `path:"name"`
	Body UpdateSandbox
}

// updateSandbox changes settings of a sandbox. Nothing is restarted: the answer says which services are behind.
func (s *Server) updateSandbox(ctx context.Context, in *updateSandboxInput) (*body[UpdatedSandbox], error) {
	info := infoOf(ctx)
	info.event.Detail = in.Body.summary()
	if in.Body.Environment != nil {
		info.event.Environment = *in.Body.Environment
	}
	sandbox, err := s.changeable(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	change := settingsChange{in: in.Body, server: s, sandbox: in.Name}
	if change.capacity, err = s.capacityOf(ctx, sandbox); err != nil {
		return nil, err
	}
	if sandbox, err = s.db.UpdateSandbox(ctx, in.Name, change.apply); err != nil {
		return nil, err
	}
	behind, err := s.behind(ctx, sandbox)
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodeViews(ctx)
	if err != nil {
		return nil, err
	}
	return &body[UpdatedSandbox]{UpdatedSandbox{Sandbox: viewSandbox(sandbox, nodes), Behind: behind}}, nil
}

// summary names what a request changes, for the audit. It holds no values.
func (u UpdateSandbox) summary() string {
	var parts []string
	add := func(given bool, name string) {
		if given {
			parts = append(parts, name)
		}
	}
	add(u.Description != nil, "description")
	add(u.Environment != nil || u.EnvironmentVersion != nil, "environment")
	add(u.Limits != nil, "limits")
	add(u.Expiry != nil, "expiry")
	named := func(what string, names []string) {
		if len(names) > 0 {
			parts = append(parts, what+" "+strings.Join(names, ", "))
		}
	}
	named("labels", slices.Sorted(maps.Keys(u.Labels)))
	named("variables", slices.Sorted(maps.Keys(u.Variables)))
	named("secrets", slices.Sorted(maps.Keys(u.Secrets)))
	named("unset", u.Unset)
	named("unset labels", u.UnsetLabels)
	return strings.Join(parts, ", ")
}

// behind lists the services whose containers were started with other settings than they would get now.
func (s *Server) behind(ctx context.Context, sandbox sdp.Sandbox) ([]string, error) {
	settings, err := s.db.Settings(ctx, sandbox.Name)
	if err != nil {
		return nil, err
	}
	running, err := s.running(ctx, sandbox)
	if err != nil {
		return nil, err
	}
	list := []string{}
	for _, name := range slices.Sorted(maps.Keys(running)) {
		if now, ok := settings[name]; ok && now.Digest() != running[name].SettingsDigest {
			list = append(list, name)
		}
	}
	return list, nil
}

// capacityOf is what the limits of a sandbox as it is are held against.
func (s *Server) capacityOf(ctx context.Context, sandbox sdp.Sandbox) (checkedSpec, error) {
	c, err := s.surroundings(ctx)
	if err != nil {
		return c, err
	}
	c.spec = sdp.SpecOf(sandbox, false)
	c.gateway = c.known.repositories[sandbox.Gateway]
	for _, name := range slices.Sorted(maps.Keys(c.spec.All())) {
		if repository, ok := c.known.repositories[name]; ok && c.of(name).Deployed() {
			c.asks = append(c.asks, ask{service: name, repository: repository})
		}
	}
	return c, nil
}

// settingsChange turns what a caller wants into a sandbox's next settings.
type settingsChange struct {
	in       UpdateSandbox
	server   *Server
	sandbox  string
	capacity checkedSpec
}

func (c settingsChange) apply(_ sdp.Sandbox, old postgres.SandboxSettings) (postgres.SandboxSettings, error) {
	next := old
	next.Labels, next.Variables, next.Secrets = copied(old.Labels), copied(old.Variables), copied(old.Secrets)
	if c.in.Description != nil {
		next.Description = *c.in.Description
	}
	if c.in.Environment != nil {
		if *c.in.Environment != old.Environment {
			next.EnvironmentVersion = 0 // the version was one of the old environment
		}
		next.Environment = *c.in.Environment
	}
	if c.in.EnvironmentVersion != nil {
		next.EnvironmentVersion = *c.in.EnvironmentVersion
	}
	if l := c.in.Limits; l != nil {
		next.Limits = sdp.SandboxLimits{Container: limitsOf(l.Container), Total: limitsOf(l.Total)}
	}
	var err error
	if c.in.Expiry != nil {
		if next.Expiry, err = expiryOf(c.in.Expiry); err != nil {
			return next, err
		}
	}
	for _, step := range []func(*postgres.SandboxSettings) error{c.remove, c.set, c.seal, c.check} {
		if err := step(&next); err != nil {
			return next, err
		}
	}
	return next, nil
}

func (c settingsChange) remove(next *postgres.SandboxSettings) error {
	err := unset(c.in.Unset, next.Variables, next.Secrets, " of sandbox "+c.sandbox, "sdp sandbox show "+c.sandbox)
	if err != nil {
		return err
	}
	for _, key := range c.in.UnsetLabels {
		if _, ok := next.Labels[key]; !ok {
			return unknown("unknown-label", "label of sandbox "+c.sandbox, key, slices.Collect(maps.Keys(next.Labels)),
				"`sdp sandbox show "+c.sandbox+"` lists those there are")
		}
		delete(next.Labels, key)
	}
	return nil
}

func (c settingsChange) set(next *postgres.SandboxSettings) error {
	maps.Copy(next.Labels, c.in.Labels)
	for key, value := range c.in.Variables {
		if _, secret := next.Secrets[key]; secret {
			return sdp.Errorf(sdp.Conflict, "is-a-secret", "%s is a secret of the sandbox: as a variable everybody could read it", key).
				WithRemedy("set it as a secret, or unset it in the same call to make it a variable")
		}
		next.Variables[key] = value
	}
	return nil
}

// seal encrypts the secrets. One that is equal to what is stored keeps its bytes, so that nothing falls behind.
func (c settingsChange) seal(next *postgres.SandboxSettings) error {
	if err := (variables{c.in.Variables, c.in.Secrets}).check(); err != nil {
		return err
	}
	for key, value := range c.in.Secrets {
		sealed, _, err := c.server.sealOrKeep(next.Secrets[key], []byte(value), sdp.SecretContext(c.sandbox, "", key))
		if err != nil {
			return err
		}
		next.Secrets[key] = sealed
		delete(next.Variables, key)
	}
	if len(next.Secrets) > sdp.MaxVariables {
		return sdp.Errorf(sdp.Invalid, "too-many-variables", "%d secrets are too many", len(next.Secrets)).
			WithRemedy("a sandbox has up to %d, an environment up to %d", sdp.MaxVariables, sdp.MaxEnvironmentKeys)
	}
	return nil
}

func (c settingsChange) check(next *postgres.SandboxSettings) error {
	spec := sdp.SandboxSpec{Name: c.sandbox, Description: next.Description, Labels: next.Labels, Environment: next.Environment,
		EnvironmentVersion: next.EnvironmentVersion, Variables: next.Variables, Limits: next.Limits, Expiry: next.Expiry}
	if err := spec.Check(); err != nil {
		return err
	}
	capacity := c.capacity
	capacity.spec.Limits = next.Limits
	return capacity.checkLimits()
}

type definitionInput struct {
	Name   string `path:"name"`
	Pinned bool   `query:"pinned" doc:"every service at the commit it runs, instead of its branch"`
}

// showDefinition is the specification a sandbox comes down to: what an apply of it would not change.
func (s *Server) showDefinition(ctx context.Context, in *definitionInput) (*body[SandboxSpec], error) {
	sandbox, err := s.sandbox(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	return &body[SandboxSpec]{viewSpec(sdp.SpecOf(sandbox, in.Pinned))}, nil
}
