package env

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/dotenv"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// importFlags say which of the imported variables are secrets, and into what they go.
type importFlags struct {
	secrets []string
	all     bool
	create  bool
	note    string
}

func (a verbs) envImport() *cobra.Command {
	var flags importFlags
	cmd := &cobra.Command{
		Use: "import NAME FILE", Short: "Set the variables of a .env file",
		Long: `Set the variables of a .env file; - is standard input. Keys that are secrets of the environment stay secrets. Nothing is
expanded: $HOME is five characters. A line that cannot be read is an error that names the line, never its value.`,
		Example: `  sdp env import dev .env --secret DB_PASSWORD --secret TOKEN
  sdp env import qa passwords.env --secrets --create`,
		Args: usage.Args(0, "NAME", "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.runEnvImport(cmd.Context(), args[0], args[1], flags)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&flags.secrets, "secret", nil, "keep this `KEY` as a secret; may be repeated")
	f.BoolVar(&flags.all, "secrets", false, "keep all keys of the file as secrets")
	f.BoolVar(&flags.create, "create", false, "create the environment if there is none")
	f.StringVar(&flags.note, "note", "", "why, for those who read the list of versions")
	return cli.Prints[rest.Environment](a.App, cmd)
}

func (a verbs) runEnvImport(ctx context.Context, name, path string, flags importFlags) error {
	data, err := readSome(path, a.In, settings.MaxEnvironmentBytes)
	if err != nil {
		return err
	}
	list, err := dotenv.Parse(path, data)
	if err != nil {
		return usage.Wrap(err)
	}
	c, err := a.connectForEnv(name)
	if err != nil {
		return err
	}
	now, err := c.Environment(ctx, name, 0)
	missing := sdp.KindOf(err) == sdp.NotFound
	if missing && !flags.create {
		e := sdp.AsError(err)
		return e.WithRemedy("%s; --create makes it of this file", e.Remedy)
	}
	if err != nil && !missing {
		return err
	}
	entries, err := flags.entries(list, now.SecretKeys)
	if err != nil {
		return err
	}
	if missing {
		if now, err = c.CreateEnvironment(ctx, rest.CreateEnvironment{Name: name, EnvironmentEntries: entries}); err != nil {
			return err
		}
		return a.Screen.Data(now, func() { a.showImported(now, entries) })
	}
	// The version that was looked at: a key that became a secret meanwhile must not be sent as a variable.
	now, err = c.UpdateEnvironment(ctx, name, rest.UpdateEnvironment{EnvironmentEntries: entries, Version: now.Newest})
	if err != nil {
		return err
	}
	return a.Screen.Data(now, func() { a.showImported(now, entries) })
}

func (a verbs) showImported(e rest.Environment, entries rest.EnvironmentEntries) {
	a.Screen.Printf("Environment %s is at version %d; the file has %s and %s.", a.Screen.Paint(screen.Bold, e.Name),
		e.Version, screen.Count(len(entries.Variables), "variable"), screen.Count(len(entries.Secrets), "secret"))
}

// entries sorts what was read into variables and secrets; known are the secrets the environment has.
func (f importFlags) entries(list []dotenv.Variable, known []string) (rest.EnvironmentEntries, error) {
	out := rest.EnvironmentEntries{Variables: map[string]string{}, Secrets: map[string]string{}, Note: f.note}
	var keys []string
	for _, v := range list {
		keys = append(keys, v.Key)
		if f.all || slices.Contains(f.secrets, v.Key) || slices.Contains(known, v.Key) {
			out.Secrets[v.Key] = v.Value
		} else {
			out.Variables[v.Key] = v.Value
		}
	}
	for _, key := range f.secrets {
		if !slices.Contains(keys, key) {
			return out, usage.Errorf("name a key of the file", "--secret %s: the file does not set it", key)
		}
	}
	if len(keys) == 0 {
		return out, usage.Errorf("write at least one KEY=VALUE", "the file sets nothing")
	}
	return out, nil
}
