package client

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) env() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:     "env",
		Aliases: []string{"environment", "environments"},
		Short:   "Create, change, compare and explain environments",
		Long: `Environments are named sets of variables, secrets and files that sandboxes give their services. Each change makes a
version; nobody ever sees a secret's value or a file's content again. docs/environments.md explains the layers.`,
	}, a.envList(), a.envShow(), a.envCreate(), a.envSet(), a.envUnset(), a.envImport(), a.envVersions(), a.envDiff(),
		a.envUsage(), a.envRedeploy(), a.envDelete(), a.envExplain())
}

// connectForEnv is connect for a verb about one environment.
func (a *App) connectForEnv(name string) (*apiclient.Client, error) {
	if err := sdp.CheckEnvironmentName(name); err != nil {
		return nil, usage.Wrap(err)
	}
	return a.connect()
}

func (a *App) envList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the environments", Example: "  sdp env list",
		Args: usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(a, cmd, (*apiclient.Client).Environments, a.showEnvironments)
		},
	}
}

func (a *App) showEnvironments(list []api.EnvironmentSummary) {
	t := a.Screen.Table("ENVIRONMENT", "VERSION", "VARIABLES", "SECRETS", "FILES", "SANDBOXES", "OWNER", "CHANGED", "DESCRIPTION")
	for _, e := range list {
		t.Row(e.Name, e.Version, e.Variables, e.Secrets, e.Files, e.Sandboxes, e.Owner, a.Screen.Age(e.UpdatedAt), e.Description)
	}
	t.Print("There is no environment. Create one: sdp env create NAME KEY=VALUE")
}

func (a *App) envShow() *cobra.Command {
	var version int
	cmd := &cobra.Command{
		Use: "show NAME", Short: "Show an environment: its variables, and of secrets and files the names",
		Example: "  sdp env show dev\n  sdp env show dev --version 3",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForEnv(args[0])
			if err != nil {
				return err
			}
			e, err := c.Environment(cmd.Context(), args[0], version)
			if err != nil {
				return err
			}
			return a.Screen.Data(e, func() { a.showEnvironment(e) })
		},
	}
	cmd.Flags().IntVar(&version, "version", 0, "show this version instead of the newest")
	return cmd
}

func (a *App) showEnvironment(e api.Environment) {
	facts := fmt.Sprintf("version %d by %s, %s", e.Version, e.Author, a.Screen.Age(e.UpdatedAt))
	if e.Version != e.Newest {
		facts += fmt.Sprintf(" (the newest is %d)", e.Newest)
	}
	a.Screen.Printf("%s  %s", a.Screen.Paint(screen.Bold, e.Name), facts)
	for _, text := range []string{e.Description, e.Note} {
		if text != "" {
			a.Screen.Printf("%s", text)
		}
	}
	a.Screen.Printf("")
	t := a.Screen.Table("NAME", "KIND", "VALUE")
	for _, key := range slices.Sorted(maps.Keys(e.Variables)) {
		t.Row(key, "variable", e.Variables[key])
	}
	for _, key := range e.SecretKeys {
		t.Row(key, "secret", screen.Cell{Text: masked, Style: screen.Dim})
	}
	for _, f := range e.Files {
		t.Row(f.Path, "file", screen.Cell{Text: screen.Bytes(int64(f.Size)), Style: screen.Dim})
	}
	t.Print("The environment is empty. Fill it: sdp env set " + e.Name + " KEY=VALUE")
}

// masked stands where a secret's value would.
const masked = "********"

func (a *App) envVersions() *cobra.Command {
	return &cobra.Command{
		Use: "versions NAME", Short: "List an environment's versions", Example: "  sdp env versions dev",
		Args: usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForEnv(args[0])
			if err != nil {
				return err
			}
			list, err := c.EnvironmentVersions(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.Screen.Data(list, func() {
				t := a.Screen.Table("VERSION", "BY", "MADE", "VARIABLES", "SECRETS", "FILES", "NOTE")
				for _, v := range list {
					t.Row(v.Version, v.Author, a.Screen.Age(v.CreatedAt), v.Variables, v.Secrets, v.Files, v.Note)
				}
				t.Print("There is no version.")
			})
		},
	}
}

func (a *App) envDiff() *cobra.Command {
	return &cobra.Command{
		Use: "diff NAME [FROM [TO]]", Short: "Compare two versions of an environment",
		Long: `Compare two versions of an environment; without numbers the newest with the one before. Of secrets and files it is
told that they differ, not how.`,
		Example: "  sdp env diff dev\n  sdp env diff dev 3 5",
		Args:    usage.Args(2, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			from, to, err := versionRange(args[1:])
			if err != nil {
				return err
			}
			c, err := a.connectForEnv(args[0])
			if err != nil {
				return err
			}
			d, err := c.EnvironmentDiff(cmd.Context(), args[0], from, to)
			if err != nil {
				return err
			}
			return a.Screen.Data(d, func() { a.showEnvironmentDiff(d) })
		},
	}
}

func versionRange(args []string) (from, to int, err error) {
	numbers := []int{0, 0}
	for i, arg := range args {
		n, err := strconv.Atoi(strings.TrimPrefix(arg, "v"))
		if err != nil || n < 1 {
			return 0, 0, usage.Errorf("`sdp env versions` lists them", "%q is no version", arg)
		}
		numbers[i] = n
	}
	return numbers[0], numbers[1], nil
}

func (a *App) showEnvironmentDiff(d api.EnvironmentDiff) {
	a.Screen.Printf("%s  version %d -> %d", a.Screen.Paint(screen.Bold, d.Name), d.From, d.To)
	t := a.Screen.Table("NAME", "KIND", "", "BEFORE", "AFTER")
	for _, x := range d.Differences {
		t.Row(x.Key, x.What, changeCell(x.Kind), x.Before, x.After)
	}
	t.Print("They do not differ.")
}

func changeCell(kind string) screen.Cell {
	style := map[string]screen.Style{string(sdp.Added): screen.Green, string(sdp.RemovedEntry): screen.Red}[kind]
	if style == "" {
		style = screen.Yellow
	}
	return screen.Cell{Text: kind, Style: style}
}

func (a *App) envDelete() *cobra.Command {
	return &cobra.Command{
		Use: "delete NAME", Aliases: []string{"rm"}, Short: "Delete an environment that nothing uses",
		Example: "  sdp env delete dev",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForEnv(args[0])
			if err != nil {
				return err
			}
			if err := c.DeleteEnvironment(cmd.Context(), args[0]); err != nil {
				return err
			}
			return a.Screen.Data(map[string]string{"deleted": args[0]}, func() { a.Screen.Printf("Environment %s is deleted.", args[0]) })
		},
	}
}

func (a *App) envExplain() *cobra.Command {
	return &cobra.Command{
		Use: "explain SANDBOX SERVICE", Short: "Show what a service finds in its environment, and where each value comes from",
		Long: `Show what a service would find in its environment if it were started now, and where each value comes from. Layers, the
later one wins: sdp, repository, environment, sandbox, service.`,
		Example: "  sdp env explain checkout account",
		Args:    usage.Args(0, "SANDBOX", "SERVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runEnvExplain(cmd.Context(), args[0], args[1])
		},
	}
}

func (a *App) runEnvExplain(ctx context.Context, sandbox, service string) error {
	c, err := a.connectFor(sandbox)
	if err != nil {
		return err
	}
	e, err := c.ExplainEnvironment(ctx, sandbox, service)
	if err != nil {
		return err
	}
	return a.Screen.Data(e, func() { a.showEffective(e) })
}

func (a *App) showEffective(e api.EffectiveEnvironment) {
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
