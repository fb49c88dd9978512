// Package env holds the verbs about environments.
package env

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// verbs are the verbs of this package.
type verbs struct{ *cli.App }

// Command returns the verb with those below it.
func Command(app *cli.App) *cobra.Command {
	a := verbs{app}
	return a.env()
}

func (a verbs) env() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:     "env",
		Aliases: []string{"environment", "environments"},
		Short:   "Create, change, compare and explain environments",
		Long: `Environments are named sets of variables, secrets and files that sandboxes give their services. Each change makes a
version; nobody ever sees a secret's value or a file's content again. docs/environments.md explains the layers.`,
	}, a.envList(), a.envShow(), a.envCreate(), a.envSet(), a.envUnset(), a.envImport(), a.envVersions(), a.envDiff(),
		a.envUsage(), a.envRedeploy(), a.envDelete(), a.envExplain())
}

// connectForEnv is Connect for a verb about one environment.
func (a verbs) connectForEnv(name string) (*apiclient.Client, error) {
	if err := sdp.CheckEnvironmentName(name); err != nil {
		return nil, usage.Wrap(err)
	}
	return a.Connect()
}

func (a verbs) envList() *cobra.Command {
	return cli.Prints[[]rest.EnvironmentSummary](a.App, &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the environments", Example: "  sdp env list",
		Args: usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.Ask(a.App, cmd, (*apiclient.Client).Environments, a.showEnvironments)
		},
	})
}

func (a verbs) showEnvironments(list []rest.EnvironmentSummary) {
	t := a.Screen.Table("ENVIRONMENT", "VERSION", "VARIABLES", "SECRETS", "FILES", "SANDBOXES", "OWNER", "CHANGED", "DESCRIPTION")
	for _, e := range list {
		t.Row(e.Name, e.Version, e.Variables, e.Secrets, e.Files, e.Sandboxes, e.Owner, a.Screen.Age(e.UpdatedAt), e.Description)
	}
	t.Print("There is no environment. Create one: sdp env create NAME KEY=VALUE")
}

func (a verbs) envShow() *cobra.Command {
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
	return cli.Prints[rest.Environment](a.App, cmd)
}

func (a verbs) showEnvironment(e rest.Environment) {
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

func (a verbs) envDelete() *cobra.Command {
	return cli.Prints[cli.Deleted](a.App, &cobra.Command{
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
			return a.Screen.Data(cli.Deleted{Deleted: args[0]}, func() { a.Screen.Printf("Environment %s is deleted.", args[0]) })
		},
	})
}
