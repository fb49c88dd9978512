package env

import (
	"context"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
)

func (a verbs) envCreate() *cobra.Command {
	var flags entryFlags
	cmd := &cobra.Command{
		Use: "create NAME [KEY=VALUE...]", Short: "Create an environment",
		Example: `  sdp env create dev LOG_LEVEL=debug CURRENCY=EUR --secret DB_PASSWORD=@password.txt
  sdp env create qa --description "for testers" --file /etc/app/ca.pem=ca.pem`,
		Args: usage.Args(-1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			entries, err := flags.entries(args[1:], a.In)
			if err != nil {
				return err
			}
			c, err := a.connectForEnv(args[0])
			if err != nil {
				return err
			}
			e, err := c.CreateEnvironment(cmd.Context(), rest.CreateEnvironment{Name: args[0], Description: flags.description,
				EnvironmentEntries: entries})
			if err != nil {
				return err
			}
			return a.Screen.Data(e, func() { a.Screen.Printf("Environment %s is created.", a.Screen.Paint(screen.Bold, e.Name)) })
		},
	}
	flags.add(cmd)
	return cli.Prints[rest.Environment](a.App, cmd)
}

func (a verbs) envSet() *cobra.Command {
	var flags entryFlags
	var version int
	cmd := &cobra.Command{
		Use: "set NAME [KEY=VALUE...]", Short: "Set variables, secrets and files of an environment: it gets a new version",
		Long: `Set variables, secrets and files of an environment. What is not mentioned stays. Running services keep what they have
until they are deployed or restarted: "sdp env usage" says which are behind, "sdp env redeploy" restarts them.`,
		Example: `  sdp env set dev LOG_LEVEL=info
  sdp env set dev --secret DB_PASSWORD=- < password.txt
  sdp env set dev --file /etc/app/ca.pem=ca.pem --note "new authority"`,
		Args: usage.Args(-1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			entries, err := flags.entries(args[1:], a.In)
			if err != nil {
				return err
			}
			in := rest.UpdateEnvironment{EnvironmentEntries: entries, Version: version}
			if cmd.Flags().Changed("description") {
				in.Description = &flags.description
			}
			if len(entries.Variables)+len(entries.Secrets)+len(entries.Files) == 0 && in.Description == nil {
				return usage.Errorf("usage: "+cmd.UseLine(), "there is nothing to set")
			}
			return a.updateEnvironment(cmd.Context(), args[0], in)
		},
	}
	flags.add(cmd)
	cmd.Flags().IntVar(&version, "if-version", 0, "refuse if this is not the newest version any more")
	return cli.Prints[rest.Environment](a.App, cmd)
}

func (a verbs) updateEnvironment(ctx context.Context, name string, in rest.UpdateEnvironment) error {
	c, err := a.connectForEnv(name)
	if err != nil {
		return err
	}
	before, err := c.Environment(ctx, name, 0)
	if err != nil {
		return err
	}
	e, err := c.UpdateEnvironment(ctx, name, in)
	if err != nil {
		return err
	}
	return a.Screen.Data(e, func() {
		if e.Version == before.Version && in.Description == nil {
			a.Screen.Printf("Environment %s has all that already: it stays at version %d.", e.Name, e.Version)
			return
		}
		a.Screen.Printf("Environment %s is at version %d.", a.Screen.Paint(screen.Bold, e.Name), e.Version)
		if e.Version != before.Version {
			a.Screen.Notef("What runs keeps what it has; `sdp env usage %s` says what is behind.", e.Name)
		}
	})
}

func (a verbs) envUnset() *cobra.Command {
	var files []string
	var note string
	cmd := &cobra.Command{
		Use: "unset NAME [KEY...]", Short: "Remove variables, secrets and files from an environment: it gets a new version",
		Example: "  sdp env unset dev LOG_LEVEL\n  sdp env unset dev --file /etc/app/ca.pem",
		Args:    usage.Args(-1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && len(files) == 0 {
				return usage.Errorf("usage: "+cmd.UseLine(), "there is nothing to remove")
			}
			return a.updateEnvironment(cmd.Context(), args[0], rest.UpdateEnvironment{Unset: args[1:], RemoveFiles: files,
				EnvironmentEntries: rest.EnvironmentEntries{Note: note}})
		},
	}
	cmd.Flags().StringArrayVar(&files, "file", nil, "remove the file at this `PATH`; may be repeated")
	cmd.Flags().StringVar(&note, "note", "", "why, for those who read the list of versions")
	return cli.Prints[rest.Environment](a.App, cmd)
}
