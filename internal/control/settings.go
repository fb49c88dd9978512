package control

import (
	"context"
	"maps"
	"slices"
	"strings"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/definition"
	"sdp/internal/sdp/settings"
)

// SettingsChange is what to change of a sandbox's settings. What is nil stays as it is; labels, variables and secrets are
// added to those there are.
type SettingsChange struct {
	Description        *string
	Labels             map[string]string
	Environment        *string // "" = none
	EnvironmentVersion *int    // 0 = the newest at each deployment
	Variables, Secrets map[string]string
	Unset              []string // names of variables and secrets
	UnsetLabels        []string
	Limits             *sdp.SandboxLimits
	Expiry             *sdp.Expiry
}

// ChangeSettings changes settings of a sandbox. Nothing is restarted: behind are the services that run with other
// settings than a restart would give them.
func (c *Control) ChangeSettings(ctx context.Context, call *Call, name string, wanted SettingsChange) (sandbox sdp.Sandbox, behind []string, err error) {
	on := Object{Sandbox: name}
	if wanted.Environment != nil {
		on.Environment = *wanted.Environment
	}
	if err := c.permit(call, sdp.AuditSandboxUpdate, on); err != nil {
		return sandbox, nil, err
	}
	call.Event.Detail = wanted.summary()
	if sandbox, err = c.changeable(ctx, name); err != nil {
		return sandbox, nil, err
	}
	change := settingsChange{in: wanted, control: c, sandbox: name}
	if change.capacity, err = c.capacityOf(ctx, sandbox); err != nil {
		return sandbox, nil, err
	}
	if sandbox, err = c.db.UpdateSandbox(ctx, name, change.apply); err != nil {
		return sandbox, nil, err
	}
	behind, err = c.behind(ctx, sandbox)
	return sandbox, behind, err
}

// summary names what a request changes, for the audit. It holds no values.
func (u SettingsChange) summary() string {
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
func (c *Control) behind(ctx context.Context, sandbox sdp.Sandbox) ([]string, error) {
	settings, err := c.db.Settings(ctx, sandbox.Name)
	if err != nil {
		return nil, err
	}
	running, err := c.running(ctx, sandbox)
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
func (c *Control) capacityOf(ctx context.Context, sandbox sdp.Sandbox) (checkedSpec, error) {
	around, err := c.surroundings(ctx)
	if err != nil {
		return around, err
	}
	around.spec = definition.Of(sandbox, false)
	around.gateway = around.known.repositories[sandbox.Gateway]
	for _, name := range slices.Sorted(maps.Keys(around.spec.All())) {
		if repository, ok := around.known.repositories[name]; ok && around.of(name).Deployed() {
			around.asks = append(around.asks, ask{service: name, repository: repository})
		}
	}
	return around, nil
}

// settingsChange turns what a caller wants into a sandbox's next settings.
type settingsChange struct {
	in       SettingsChange
	control  *Control
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
		next.Limits = *l
	}
	if c.in.Expiry != nil {
		next.Expiry = *c.in.Expiry
	}
	for _, step := range []func(*postgres.SandboxSettings) error{c.remove, c.set, c.seal, c.check} {
		if err := step(&next); err != nil {
			return next, err
		}
	}
	return next, settings.CheckOwnSize("sandbox "+c.sandbox, ownOf(old), ownOf(next))
}

func ownOf(s postgres.SandboxSettings) settings.OwnValues {
	return settings.OwnValues{Variables: s.Variables, Secrets: s.Secrets}
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
		sealed, _, err := c.control.sealOrKeep(next.Secrets[key], []byte(value), sdp.SecretContext(c.sandbox, "", key))
		if err != nil {
			return err
		}
		next.Secrets[key] = sealed
		delete(next.Variables, key)
	}
	if len(next.Secrets) > settings.MaxVariables {
		return sdp.Errorf(sdp.Invalid, "too-many-variables", "%d secrets are too many", len(next.Secrets)).
			WithRemedy("a sandbox has up to %d, an environment up to %d", settings.MaxVariables, settings.MaxEnvironmentKeys)
	}
	return nil
}

func (c settingsChange) check(next *postgres.SandboxSettings) error {
	spec := sdp.SandboxSpec{Name: c.sandbox, Description: next.Description, Labels: next.Labels, Environment: next.Environment,
		EnvironmentVersion: next.EnvironmentVersion, Limits: next.Limits, Expiry: next.Expiry}
	if err := definition.Check(spec); err != nil {
		return err
	}
	if err := definition.CheckVariables("", next.Variables); err != nil {
		return err
	}
	capacity := c.capacity
	capacity.spec.Limits = next.Limits
	return capacity.checkLimits()
}
