package template

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/specfile"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) templateUse() *cobra.Command {
	var set []string
	var dryRun, render, wait bool
	cmd := &cobra.Command{
		Use:   "use NAME SANDBOX [--set PARAMETER=VALUE]... [--dry-run]",
		Short: "Make a sandbox from a template",
		Example: `  sdp template use shop checkout --set branch=feature/loyalty-points --wait
  sdp template use shop checkout --set branch=feature/loyalty-points --dry-run
  sdp template use shop checkout --set branch=main --render > sandbox.yaml`,
		Args: usage.Args(0, "NAME", "SANDBOX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			values, err := parseValues(set)
			if err != nil {
				return err
			}
			c, err := a.connectForTemplate(args[0])
			if err != nil {
				return err
			}
			in := rest.UseTemplate{Name: args[1], Parameters: values}
			if dryRun || render {
				return a.tryTemplate(cmd.Context(), c, args[0], in, render)
			}
			out, err := c.UseTemplate(cmd.Context(), args[0], in)
			if err != nil {
				return err
			}
			return a.FollowCreated(cmd.Context(), c, out, wait)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&set, "set", nil, "give a parameter a value, `PARAMETER=VALUE`; may be repeated")
	f.BoolVar(&dryRun, "dry-run", false, "only show the plan of the sandbox that would be made")
	f.BoolVar(&render, "render", false, "only print the sandbox.yaml it comes down to")
	f.BoolVar(&wait, "wait", false, "follow its deployments until they end")
	cli.Follows[rest.CreatedSandbox](a.App, cmd)
	cli.Instead[rest.Plan](a.App, cmd, "with --dry-run")
	return cli.Instead[sdp.SandboxSpec](a.App, cmd, "with --render")
}

// tryTemplate shows what a template comes down to and makes nothing.
func (a verbs) tryTemplate(ctx context.Context, c *apiclient.Client, name string, in rest.UseTemplate, render bool) error {
	spec, err := c.RenderTemplate(ctx, name, in)
	if err != nil {
		return err
	}
	if render {
		return specfile.Export(a.App, spec, "")
	}
	plan, err := c.Plan(ctx, spec)
	if err != nil {
		return err
	}
	if err := a.Screen.Data(plan, func() { view.Plan(a.Screen, plan) }); err != nil || len(plan.Problems) == 0 {
		return err
	}
	return &cli.Shown{Problem: view.InTheWay(plan)}
}

// parseValues reads PARAMETER=VALUE arguments.
func parseValues(args []string) (map[string]string, error) {
	values := map[string]string{}
	for _, arg := range args {
		name, value, found := strings.Cut(arg, "=")
		if !found || name == "" {
			return nil, usage.Errorf("write --set branch=feature/x", "%q is not PARAMETER=VALUE", arg)
		}
		if _, twice := values[name]; twice {
			return nil, usage.Errorf("give it once", "parameter %s is given twice", name)
		}
		values[name] = value
	}
	return values, nil
}
