package client

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) deploy() *cobra.Command {
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
	return cmd
}

func (a *App) deployRequest(services, env, secrets []string) (api.Deploy, error) {
	var in api.Deploy
	var err error
	if in.Services, err = parseServices(services); err != nil {
		return in, err
	}
	if in.Env, err = parseEnv(env); err != nil {
		return in, err
	}
	in.Secrets, err = parseSecrets(secrets, a.In)
	return in, err
}

func (a *App) runDeploy(ctx context.Context, sandbox string, in api.Deploy, wait bool) error {
	c, err := a.connectFor(sandbox)
	if err != nil {
		return err
	}
	accepted, err := c.Deploy(ctx, sandbox, in)
	if err != nil {
		return err
	}
	if !wait {
		return a.Screen.Data(accepted, func() { a.showAccepted(accepted) })
	}
	ended, err := a.follow(ctx, c, accepted)
	if err != nil {
		return err
	}
	if err := a.Screen.Data(ended, func() { a.showURL(ctx, c, sandbox, ended) }); err != nil {
		return err
	}
	return a.outcome(ended)
}

// showURL ends a successful deploy with the place to try it.
func (a *App) showURL(ctx context.Context, c *apiclient.Client, sandbox string, ended []api.Deployment) {
	for _, d := range ended {
		if d.State != string(sdp.Running) {
			return
		}
	}
	if s, err := c.Sandbox(ctx, sandbox); err == nil {
		a.Screen.Printf("Try it: %s", a.Screen.Paint(screen.Cyan, s.URL))
	}
}

func (a *App) showAccepted(accepted []api.Deployment) {
	t := a.Screen.Table("DEPLOYMENT", "SERVICE", "OF", "STATE", "WAITS FOR")
	ids := make([]string, 0, len(accepted))
	for _, d := range accepted {
		t.Row(d.ID, d.Service, revision(d), deploymentState(d.State), d.WaitingFor)
		ids = append(ids, d.ID)
	}
	t.Print("Nothing to deploy.")
	if len(ids) > 0 {
		a.Screen.Notef("Follow it: sdp logs %s -f", strings.Join(ids[:1], ""))
	}
}

// revision is what was asked for: a branch or a commit.
func revision(d api.Deployment) string {
	if d.Branch != "" {
		return d.Branch
	}
	return sdp.ShortSHA(d.SHA)
}
