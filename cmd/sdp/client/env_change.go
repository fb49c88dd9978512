package client

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/dotenv"
	"sdp/internal/sdp"
)

// entryFlags are what puts entries into an environment.
type entryFlags struct {
	secrets     []string
	files       []string
	note        string
	description string
}

func (f *entryFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.secrets, "secret", nil, "set a secret: `KEY=VALUE`, KEY=@FILE, or KEY=- to read it from standard input; may be repeated")
	flags.StringArrayVar(&f.files, "file", nil, "put a file there: `/PATH/IN/CONTAINER=LOCAL_FILE`; may be repeated")
	flags.StringVar(&f.note, "note", "", "why, for those who read the list of versions")
	flags.StringVar(&f.description, "description", "", "what the environment is for")
}

// entries reads KEY=VALUE arguments and what the flags name.
func (f *entryFlags) entries(args []string, stdin io.Reader) (api.EnvironmentEntries, error) {
	out := api.EnvironmentEntries{Note: f.note}
	var err error
	if out.Variables, err = parseEnv(args); err != nil {
		return out, err
	}
	if out.Secrets, err = parseSecrets(f.secrets, stdin); err != nil {
		return out, err
	}
	for _, arg := range f.files {
		file, err := readFile(arg)
		if err != nil {
			return out, err
		}
		out.Files = append(out.Files, file)
	}
	return out, nil
}

func readFile(arg string) (api.NewFile, error) {
	path, local, found := strings.Cut(arg, "=")
	if !found || local == "" {
		return api.NewFile{}, usage.Errorf("write --file /etc/app/settings.json=settings.json", "%q is not PATH=LOCAL_FILE", arg)
	}
	if err := sdp.CheckFilePath(path); err != nil {
		return api.NewFile{}, usage.Wrap(err)
	}
	content, err := readSome(local, nil, sdp.MaxFile)
	return api.NewFile{Path: path, Content: content}, err
}

// readSome reads a file, or standard input for "-" where there is one, of at most limit bytes.
func readSome(path string, stdin io.Reader, limit int64) ([]byte, error) {
	r := stdin
	if path != "-" || stdin == nil {
		f, err := os.Open(path)
		if err != nil {
			return nil, usage.Errorf("check the path", "%w", err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, usage.Errorf("check that it can be read", "reading %s: %w", path, err)
	}
	if int64(len(data)) > limit {
		return nil, usage.Errorf("split it", "%s has more than %d bytes", path, limit)
	}
	return data, nil
}

func (a *App) envCreate() *cobra.Command {
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
			e, err := c.CreateEnvironment(cmd.Context(), api.CreateEnvironment{Name: args[0], Description: flags.description,
				EnvironmentEntries: entries})
			if err != nil {
				return err
			}
			return a.Screen.Data(e, func() { a.Screen.Printf("Environment %s is created.", a.Screen.Paint(screen.Bold, e.Name)) })
		},
	}
	flags.add(cmd)
	return cmd
}

func (a *App) envSet() *cobra.Command {
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
			in := api.UpdateEnvironment{EnvironmentEntries: entries, Version: version}
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
	return cmd
}

func (a *App) updateEnvironment(ctx context.Context, name string, in api.UpdateEnvironment) error {
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

func (a *App) envUnset() *cobra.Command {
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
			return a.updateEnvironment(cmd.Context(), args[0], api.UpdateEnvironment{Unset: args[1:], RemoveFiles: files,
				EnvironmentEntries: api.EnvironmentEntries{Note: note}})
		},
	}
	cmd.Flags().StringArrayVar(&files, "file", nil, "remove the file at this `PATH`; may be repeated")
	cmd.Flags().StringVar(&note, "note", "", "why, for those who read the list of versions")
	return cmd
}

// importFlags say which of the imported variables are secrets, and into what they go.
type importFlags struct {
	secrets []string
	all     bool
	create  bool
	note    string
}

func (a *App) envImport() *cobra.Command {
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
	return cmd
}

func (a *App) runEnvImport(ctx context.Context, name, path string, flags importFlags) error {
	data, err := readSome(path, a.In, sdp.MaxEnvironmentBytes)
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
		if now, err = c.CreateEnvironment(ctx, api.CreateEnvironment{Name: name, EnvironmentEntries: entries}); err != nil {
			return err
		}
		return a.Screen.Data(now, func() { a.showImported(now, entries) })
	}
	// The version that was looked at: a key that became a secret meanwhile must not be sent as a variable.
	now, err = c.UpdateEnvironment(ctx, name, api.UpdateEnvironment{EnvironmentEntries: entries, Version: now.Newest})
	if err != nil {
		return err
	}
	return a.Screen.Data(now, func() { a.showImported(now, entries) })
}

func (a *App) showImported(e api.Environment, entries api.EnvironmentEntries) {
	a.Screen.Printf("Environment %s is at version %d; the file has %s and %s.", a.Screen.Paint(screen.Bold, e.Name),
		e.Version, screen.Count(len(entries.Variables), "variable"), screen.Count(len(entries.Secrets), "secret"))
}

// entries sorts what was read into variables and secrets; known are the secrets the environment has.
func (f importFlags) entries(list []dotenv.Variable, known []string) (api.EnvironmentEntries, error) {
	out := api.EnvironmentEntries{Variables: map[string]string{}, Secrets: map[string]string{}, Note: f.note}
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
