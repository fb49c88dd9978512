package specfile

import (
	"cmp"
	"io"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/config"
	"sdp/internal/sdp"
)

// Load reads sandbox.yaml; "-" is standard input.
func Load(a *cli.App, path string) (sdp.SandboxSpec, error) {
	var file sandboxFile
	load := func() error { return config.Load(path, &file) }
	if path == "-" {
		load = func() error {
			raw, err := io.ReadAll(io.LimitReader(a.In, 2<<20))
			if err != nil {
				return err
			}
			f, err := config.Parse("standard input", raw)
			if err != nil {
				return err
			}
			return f.Decode(&file)
		}
	}
	if err := load(); err != nil {
		return sdp.SandboxSpec{}, usage.Wrap(err)
	}
	NoteExpiry(a, file.Expiry)
	return sdp.SandboxSpec(file), nil
}

// NoteExpiry keeps anybody from relying on a setting that nothing acts on.
func NoteExpiry(a *cli.App, e sdp.Expiry) {
	if e != (sdp.Expiry{}) {
		a.Screen.Notef("expiry has no effect yet: it is kept, and nothing is suspended or deleted by itself.")
	}
}

// Named gives a definition the name of the command line, if there is one there.
func Named(in sdp.SandboxSpec, name, path string) (sdp.SandboxSpec, error) {
	if name != "" && in.Name != "" && in.Name != name {
		return in, usage.Errorf("use the same name in both, or leave `sandbox:` out of the file",
			"the sandbox is called %q on the command line and %q in %s", name, in.Name, path)
	}
	if in.Name = cmp.Or(name, in.Name); in.Name == "" {
		return in, usage.Errorf("write `sandbox: NAME` into it, or name the sandbox on the command line",
			"%s does not say which sandbox it is about", path)
	}
	return in, usage.Wrap(sdp.CheckSandboxName(in.Name))
}

// Flag adds -f, the file with the definition.
func Flag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "file", "f", "", "read the sandbox's definition from this YAML `file`; - is standard input")
}

// Definition reads the definition a verb is about: a file, and the name if it is given beside it.
func Definition(a *cli.App, file string, args []string) (sdp.SandboxSpec, error) {
	if file == "" {
		return sdp.SandboxSpec{}, usage.Errorf("write -f sandbox.yaml", "no file is given")
	}
	in, err := Load(a, file)
	if err != nil {
		return in, err
	}
	name := ""
	if len(args) > 0 {
		name = args[0]
	}
	return Named(in, name, file)
}
