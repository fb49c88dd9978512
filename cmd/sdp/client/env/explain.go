package env

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
)

func (a verbs) envExplain() *cobra.Command {
	return cli.Prints[rest.EffectiveEnvironment](a.App, &cobra.Command{
		Use: "explain SANDBOX SERVICE", Short: "Show what a service finds in its environment, and where each value comes from",
		Long: `Show what a service would find in its environment if it were started now, and where each value comes from. Layers, the
later one wins: sdp, repository, environment, sandbox, service.`,
		Example: "  sdp env explain checkout account",
		Args:    usage.Args(0, "SANDBOX", "SERVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runEnvExplain(cmd.Context(), args[0], args[1])
		},
	})
}

func (a verbs) runEnvExplain(ctx context.Context, sandbox, service string) error {
	c, err := a.ConnectFor(sandbox)
	if err != nil {
		return err
	}
	e, err := c.ExplainEnvironment(ctx, sandbox, service)
	if err != nil {
		return err
	}
	return a.Screen.Data(e, func() { a.showEffective(e) })
}

func (a verbs) showEffective(e rest.EffectiveEnvironment) {
	t := a.Screen.Table("VARIABLE", "VALUE", "FROM", "INSTEAD OF")
	for _, v := range e.Values {
		value := screen.Cell{Text: v.Value}
		if v.Secret {
			value = screen.Cell{Text: masked, Style: screen.Dim}
		}
		var hidden []string
		for _, o := range v.Overrides {
			hidden = append(hidden, originText(o.Layer, o.Of))
		}
		t.Row(v.Key, value, originText(v.Layer, v.Of), strings.Join(hidden, ", "))
	}
	t.Print("It finds nothing.")
	for _, f := range e.Files {
		a.Screen.Printf("%s  %s, from environment %s@%d", f.Path, screen.Bytes(int64(f.Size)), e.Environment, e.EnvironmentVersion)
	}
	if e.Behind {
		a.Screen.Notef("What runs was started with something else: `sdp restart %s %s` gives it this.", e.Sandbox, e.Service)
	}
}

func originText(layer, of string) string { return strings.TrimSpace(layer + " " + of) }
