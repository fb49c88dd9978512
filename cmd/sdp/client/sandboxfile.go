package client

import (
	"cmp"
	"maps"
	"slices"

	"sdp/api"
	"sdp/cmd/sdp/usage"
	"sdp/internal/config"
	"sdp/internal/sdp"
)

// sandboxFile is sandbox.yaml, in the form of the product's specification.
type sandboxFile struct {
	Sandbox     string                 `yaml:"sandbox"`
	Description string                 `yaml:"description"`
	Environment string                 `yaml:"environment"`
	Gateway     *gatewayAsk            `yaml:"gateway"`
	Services    map[string]*serviceAsk `yaml:"services"`
}

type gatewayAsk struct {
	Repository string `yaml:"repository"`
	Branch     string `yaml:"branch"`
}

type serviceAsk struct {
	Branch string `yaml:"branch"`
	UseOCP bool   `yaml:"use_ocp"`
	URL    string `yaml:"url"`
}

// Validate implements config.Validator.
func (s *sandboxFile) Validate(f *config.File) error {
	if s.Gateway != nil && s.Gateway.Branch == "" {
		return f.Errorf([]any{"gateway"}, `write "gateway: {branch: main}", or leave the gateway out`, "gateway: no branch")
	}
	for _, name := range slices.Sorted(maps.Keys(s.Services)) {
		at := []any{"services", name}
		if err := sdp.CheckServiceName(name); err != nil {
			return f.Errorf(at, sdp.AsError(err).Remedy, "%s", sdp.AsError(err).Detail)
		}
		if n := s.Services[name].choices(); n != 1 {
			return f.Errorf(at, "write exactly one of branch: NAME, use_ocp: true and url: URL",
				"services.%s says %d of branch, use_ocp and url", name, n)
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
	for _, asked := range []bool{s.Branch != "", s.UseOCP, s.URL != ""} {
		if asked {
			n++
		}
	}
	return n
}

// createFlags are the flags of `sdp sandbox create` that say what the sandbox is.
type createFlags struct {
	file, gateway, environment, description string
	services                                []string
}

// request turns name, file and flags into what the server is asked for. Flags win over the file.
func (f createFlags) request(name string) (api.SandboxSpec, error) {
	var file sandboxFile
	if f.file != "" {
		if err := config.Load(f.file, &file); err != nil {
			return api.SandboxSpec{}, usage.Wrap(err)
		}
	}
	if file.Sandbox != "" && file.Sandbox != name {
		return api.SandboxSpec{}, usage.Errorf("use the same name in both, or leave `sandbox:` out of the file",
			"the sandbox is called %q on the command line and %q in %s", name, file.Sandbox, f.file)
	}
	if err := sdp.CheckSandboxName(name); err != nil {
		return api.SandboxSpec{}, usage.Wrap(err)
	}
	in := api.SandboxSpec{Name: name, Services: map[string]api.ServiceSpec{},
		Description: cmp.Or(f.description, file.Description), Environment: cmp.Or(f.environment, file.Environment)}
	if file.Gateway != nil {
		in.Gateway = &api.GatewaySpec{Repository: file.Gateway.Repository, Branch: file.Gateway.Branch}
	}
	if f.gateway != "" {
		in.Gateway = &api.GatewaySpec{Branch: f.gateway}
	}
	for service, ask := range file.Services {
		in.Services[service] = api.ServiceSpec{Branch: ask.Branch, UseOCP: ask.UseOCP, URL: ask.URL}
	}
	for _, arg := range f.services {
		ask, err := parseService(arg)
		if err != nil {
			return api.SandboxSpec{}, err
		}
		if ask.Commit != "" {
			return api.SandboxSpec{}, usage.Errorf("create the sandbox, then `sdp deploy "+name+" "+arg+"`",
				"a sandbox is created from branches, not from commits")
		}
		in.Services[ask.Service] = api.ServiceSpec{Branch: ask.Branch}
	}
	return in, nil
}
