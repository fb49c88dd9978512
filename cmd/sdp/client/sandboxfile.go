package client

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"sdp/api"
	"sdp/cmd/sdp/usage"
	"sdp/internal/config"
	"sdp/internal/sdp"
)

// sandboxFile is sandbox.yaml: a sandbox's whole definition but for its secrets. docs/sandbox-file.md describes it.
type sandboxFile struct {
	Sandbox            string                 `yaml:"sandbox,omitempty"`
	Description        string                 `yaml:"description,omitempty"`
	Labels             map[string]string      `yaml:"labels,omitempty"`
	Environment        string                 `yaml:"environment,omitempty"`
	EnvironmentVersion int                    `yaml:"environment_version,omitempty"`
	Variables          map[string]string      `yaml:"variables,omitempty"`
	Limits             *sandboxLimitsAsk      `yaml:"limits,omitempty"`
	Expiry             *expiryAsk             `yaml:"expiry,omitempty"`
	Gateway            *gatewayAsk            `yaml:"gateway,omitempty"`
	Services           map[string]*serviceAsk `yaml:"services,omitempty"`
}

type gatewayAsk struct {
	Repository string            `yaml:"repository,omitempty"`
	Branch     string            `yaml:"branch,omitempty"`
	Commit     string            `yaml:"commit,omitempty"`
	Track      bool              `yaml:"track,omitempty"`
	Variables  map[string]string `yaml:"variables,omitempty"`
	Limits     *limitsAsk        `yaml:"limits,omitempty"`
}

type serviceAsk struct {
	Branch    string            `yaml:"branch,omitempty"`
	Commit    string            `yaml:"commit,omitempty"`
	Track     bool              `yaml:"track,omitempty"`
	UseOCP    bool              `yaml:"use_ocp,omitempty"`
	URL       string            `yaml:"url,omitempty"`
	Variables map[string]string `yaml:"variables,omitempty"`
	Limits    *limitsAsk        `yaml:"limits,omitempty"`
}

type sandboxLimitsAsk struct {
	Container *limitsAsk `yaml:"container,omitempty"`
	Total     *limitsAsk `yaml:"total,omitempty"`
}

type limitsAsk struct {
	CPUs   float64 `yaml:"cpus,omitempty"`
	Memory size    `yaml:"memory,omitempty"`
	PIDs   int64   `yaml:"pids,omitempty"`
}

type expiryAsk struct {
	IdleAfter   time.Duration `yaml:"idle_after,omitempty"`
	DeleteAfter time.Duration `yaml:"delete_after,omitempty"`
}

// size is a number of bytes, written as "512M", "1G" or a plain number.
type size int64

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *size) UnmarshalYAML(n *yaml.Node) error {
	bytes, err := sdp.ParseBytes(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode {
		return fmt.Errorf(`line %d: expected a size such as 512M or 1G, found %q`, n.Line, n.Value)
	}
	*s = size(bytes)
	return nil
}

// MarshalYAML implements yaml.Marshaler. What has no exact short form is written in bytes.
func (s size) MarshalYAML() (any, error) {
	text := sdp.FormatBytes(int64(s))
	if exact, err := sdp.ParseBytes(text); err != nil || exact != int64(s) {
		text = strconv.FormatInt(int64(s), 10)
	}
	return text, nil
}

// Validate implements config.Validator: what the domain has to say, with the line it is about.
func (s *sandboxFile) Validate(f *config.File) error {
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		if n := s.Services[name].choices(); n != 1 {
			return f.Errorf([]any{"services", name}, "write exactly one of branch: NAME (or commit: SHA), use_ocp: true and url: URL",
				"services.%s says %d of branch, use_ocp and url", name, n)
		}
	}
	whole, err := s.spec().Domain()
	if err != nil {
		e := sdp.AsError(err)
		return f.Errorf([]any{"expiry"}, e.Remedy, "%s", e.Detail)
	}
	parts := []struct {
		at   []any
		spec sdp.SandboxSpec
	}{
		{[]any{"description"}, sdp.SandboxSpec{Description: whole.Description}},
		{[]any{"labels"}, sdp.SandboxSpec{Labels: whole.Labels}},
		{[]any{"environment_version"}, sdp.SandboxSpec{Environment: whole.Environment, EnvironmentVersion: whole.EnvironmentVersion}},
		{[]any{"variables"}, sdp.SandboxSpec{Variables: whole.Variables}},
		{[]any{"limits"}, sdp.SandboxSpec{Limits: whole.Limits}},
		{[]any{"expiry"}, sdp.SandboxSpec{Expiry: whole.Expiry}},
		{[]any{"gateway"}, sdp.SandboxSpec{Gateway: whole.Gateway}},
	}
	for _, name := range slices.Sorted(maps.Keys(whole.Services)) {
		one := map[string]sdp.ServiceSpec{name: whole.Services[name]}
		parts = append(parts, struct {
			at   []any
			spec sdp.SandboxSpec
		}{[]any{"services", name}, sdp.SandboxSpec{Services: one}})
	}
	for _, part := range parts {
		part.spec.Name = "x" // the name may come from the command line
		if err := part.spec.Check(); err != nil {
			e := sdp.AsError(err)
			return f.Errorf(part.at, e.Remedy, "%s", e.Detail)
		}
	}
	return nil
}

// choices counts how many of the ways to serve a service are asked for.
func (s *serviceAsk) choices() int {
	if s == nil {
		return 0
	}
	n := 0
	for _, asked := range []bool{s.Branch != "" || s.Commit != "", s.UseOCP, s.URL != ""} {
		if asked {
			n++
		}
	}
	return n
}

// loadSandboxFile reads sandbox.yaml; "-" is standard input.
func (a *App) loadSandboxFile(path string) (api.SandboxSpec, error) {
	var file sandboxFile
	load := func() error { return config.Load(path, &file) }
	if path == "-" {
		load = func() error {
			raw, err := io.ReadAll(io.LimitReader(a.In, 2<<20))
			if err != nil {
				return err
			}
			f, err := config.Parse("standard input", raw)
			if err != nil {
				return err
			}
			return f.Decode(&file)
		}
	}
	if err := load(); err != nil {
		return api.SandboxSpec{}, usage.Wrap(err)
	}
	return file.spec(), nil
}

// named gives a definition the name of the command line, if there is one there.
func named(in api.SandboxSpec, name, path string) (api.SandboxSpec, error) {
	if name != "" && in.Name != "" && in.Name != name {
		return in, usage.Errorf("use the same name in both, or leave `sandbox:` out of the file",
			"the sandbox is called %q on the command line and %q in %s", name, in.Name, path)
	}
	if in.Name = cmp.Or(name, in.Name); in.Name == "" {
		return in, usage.Errorf("write `sandbox: NAME` into it, or name the sandbox on the command line",
			"%s does not say which sandbox it is about", path)
	}
	return in, usage.Wrap(sdp.CheckSandboxName(in.Name))
}

// createFlags are the flags of `sdp sandbox create` that say what the sandbox is.
type createFlags struct {
	file, gateway, environment, description string
	services                                []string
}

// createRequest turns name, file and flags into what the server is asked for. Flags win over the file.
func (a *App) createRequest(f createFlags, name string) (api.SandboxSpec, error) {
	in := api.SandboxSpec{Services: map[string]api.ServiceSpec{}}
	var err error
	if f.file != "" {
		if in, err = a.loadSandboxFile(f.file); err != nil {
			return in, err
		}
	}
	if in, err = named(in, name, f.file); err != nil {
		return in, err
	}
	in.Description, in.Environment = cmp.Or(f.description, in.Description), cmp.Or(f.environment, in.Environment)
	if f.gateway != "" {
		in.Gateway = &api.GatewaySpec{Branch: f.gateway}
	}
	for _, arg := range f.services {
		ask, err := parseService(arg)
		if err != nil {
			return in, err
		}
		in.Services[ask.Service] = api.ServiceSpec{Branch: ask.Branch, Commit: ask.Commit}
	}
	return in, nil
}
