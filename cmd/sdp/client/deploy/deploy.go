// Package deploy holds the verbs that change what runs in a sandbox, by hand and when branches move.
package deploy

import (
	"context"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// verbs are the verbs of this package.
type verbs struct{ *cli.App }

// Commands returns the verbs.
func Commands(app *cli.App) []*cobra.Command {
	a := verbs{app}
	return []*cobra.Command{a.deploy(), a.cancel(), a.restart(), a.stop(), a.route(), a.track()}
}

func (a verbs) deploy() *cobra.Command {
	var env, secrets []string
	var wait bool
	cmd := &cobra.Command{
		Use:   "deploy SANDBOX SERVICE@BRANCH... [--wait] [--env KEY=VALUE] [--secret KEY=-|KEY=@FILE|KEY=VALUE]",
		Short: "Deploy branches of services into a sandbox",
		Long: `Deploy branches of services into a sandbox. Each service runs through
resolve -> fetch -> checkout -> build -> image -> start -> route; the route switches once the new container is healthy,
and until then, and if it fails, what served before goes on serving.

SERVICE@<40 hexadecimal digits> deploys exactly that commit.

Variables and secrets apply to each service named and stay set for its later deployments. A secret's value on the
command line is visible to everybody on this machine (ps, shell history): better give KEY=- to read it from standard
input, or KEY=@FILE to read it from a file.

With --wait the command follows all deployments and fails if one does. Ctrl-C then only stops watching: the deployments
go on.`,
		Example: `  sdp deploy checkout account@feature/loyalty-points --wait
  sdp deploy checkout account@feature/loyalty-points payment@main --env LOG_LEVEL=debug
  pass show stripe | sdp deploy checkout payment@main --secret STRIPE_KEY=-`,
		Args: usage.Args(-1, "SANDBOX", "SERVICE@BRANCH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := a.deployRequest(args[1:], env, secrets)
			if err != nil {
				return err
			}
			return a.runDeploy(cmd.Context(), args[0], in, wait)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&wait, "wait", false, "follow the deployments until they end")
	f.StringArrayVar(&env, "env", nil, "set the variable `KEY=VALUE`; may be repeated")
	f.StringArrayVar(&secrets, "secret", nil,
		"set a secret: `KEY=-` reads standard input, KEY=@FILE a file; KEY=VALUE is visible to others; may be repeated")
	return cli.Follows[[]rest.Deployment](a.App, cmd)
}

func (a verbs) deployRequest(services, env, secrets []string) (rest.Deploy, error) {
	var in rest.Deploy
	var err error
	if in.Services, err = cli.ParseServices(services); err != nil {
		return in, err
	}
	if in.Env, err = cli.ParseEnv(env); err != nil {
		return in, err
	}
	in.Secrets, err = cli.ParseSecrets(secrets, a.In)
	return in, err
}

func (a verbs) runDeploy(ctx context.Context, sandbox string, in rest.Deploy, wait bool) error {
	c, err := a.ConnectFor(sandbox)
	if err != nil {
		return err
	}
	accepted, err := c.Deploy(ctx, sandbox, in)
	if err != nil {
		return err
	}
	if !wait {
		return a.Screen.Data(accepted, func() { view.Accepted(a.Screen, accepted) })
	}
	ended, err := a.Follow(ctx, c, accepted)
	if err != nil {
		return err
	}
	if err := a.Screen.Data(ended, func() { a.showURL(ctx, c, sandbox, ended) }); err != nil {
		return err
	}
	return a.Outcome(ended)
}

// showURL ends a successful deploy with the place to try it.
func (a verbs) showURL(ctx context.Context, c *apiclient.Client, sandbox string, ended []rest.Deployment) {
	for _, d := range ended {
		if d.State != sdp.Running {
			return
		}
	}
	if s, err := c.Sandbox(ctx, sandbox); err == nil {
		a.Screen.Printf("Try it: %s", a.Screen.Paint(screen.Cyan, s.URL))
	}
}
