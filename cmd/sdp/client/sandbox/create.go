package sandbox

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/specfile"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) sandboxCreate() *cobra.Command {
	var flags createFlags
	var wait bool
	cmd := &cobra.Command{
		Use:   "create NAME [-f sandbox.yaml]",
		Short: "Create a sandbox",
		Long: `Create a sandbox: an isolated set of services with one URL. Services that are not mentioned are answered by the
shared environment (OCP).

The file says what should run where:

  sandbox: checkout            # the name; may be left out
  environment: dev             # variables injected into the services
  gateway: {branch: main}      # leave it out to have requests routed by path: /account/... -> account
  services:
    account: {branch: feature/loyalty-points}
    payment: {use_ocp: true}
    rates:   {url: http://rates.test.example.com}`,
		Example: `  sdp sandbox create checkout -f sandbox.yaml --wait
  sdp sandbox create checkout --gateway main --service account@feature/loyalty-points`,
		Args: usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runSandboxCreate(cmd.Context(), args[0], flags, wait)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&flags.file, "file", "f", "", "read the sandbox's definition from this YAML file")
	f.StringVar(&flags.gateway, "gateway", "", "run the API gateway from this branch")
	f.StringArrayVar(&flags.services, "service", nil, "run `SERVICE@BRANCH`; may be repeated")
	f.StringVar(&flags.environment, "environment", "", "name of the environment")
	f.StringVar(&flags.description, "description", "", "what the sandbox is for")
	f.BoolVar(&wait, "wait", false, "follow its deployments until they end")
	return cli.Follows[rest.CreatedSandbox](a.App, cmd)
}

func (a verbs) runSandboxCreate(ctx context.Context, name string, flags createFlags, wait bool) error {
	in, err := a.createRequest(flags, name)
	if err != nil {
		return err
	}
	c, err := a.Connect()
	if err != nil {
		return err
	}
	out, err := c.CreateSandbox(ctx, in)
	if err != nil {
		return err
	}
	return a.FollowCreated(ctx, c, out, wait)
}

// createFlags are the flags of `sdp sandbox create` that say what the sandbox is.
type createFlags struct {
	file, gateway, environment, description string
	services                                []string
}

// createRequest turns name, file and flags into what the server is asked for. Flags win over the file.
func (a verbs) createRequest(f createFlags, name string) (sdp.SandboxSpec, error) {
	in := sdp.SandboxSpec{Services: map[string]sdp.ServiceSpec{}}
	var err error
	if f.file != "" {
		if in, err = specfile.Load(a.App, f.file); err != nil {
			return in, err
		}
	}
	if in, err = specfile.Named(in, name, f.file); err != nil {
		return in, err
	}
	in.Description, in.Environment = cmp.Or(f.description, in.Description), cmp.Or(f.environment, in.Environment)
	if f.gateway != "" {
		in.Gateway = &sdp.GatewaySpec{Branch: f.gateway}
	}
	for _, arg := range f.services {
		ask, err := cli.ParseService(arg)
		if err != nil {
			return in, err
		}
		in.Services[ask.Service] = sdp.ServiceSpec{Branch: ask.Branch, Commit: ask.Commit}
	}
	return in, nil
}
