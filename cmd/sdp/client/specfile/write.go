package specfile

import (
	"bytes"
	"errors"
	"io"
	"os"

	"go.yaml.in/yaml/v3"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// Write writes a definition as sandbox.yaml, as people would.
func Write(w io.Writer, spec sdp.SandboxSpec) error { return write(w, spec) }

func write(w io.Writer, file any) error {
	var text bytes.Buffer
	enc := yaml.NewEncoder(&text)
	enc.SetIndent(2)
	if err := errors.Join(enc.Encode(file), enc.Close()); err != nil {
		return err
	}
	_, err := w.Write(text.Bytes())
	return err
}

// Export writes a definition as sandbox.yaml: to a new file, or to the screen.
func Export(a *cli.App, spec sdp.SandboxSpec, file string) error {
	if file != "" {
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return usage.Errorf("choose a file that does not exist in a directory you may write to", "%w", err)
		}
		if err := Write(f, spec); err != nil {
			f.Close()
			return err
		}
		return f.Close()
	}
	var failed error
	if err := a.Screen.Data(spec, func() { failed = Write(a.Screen.Out, spec) }); err != nil {
		return err
	}
	return failed
}
