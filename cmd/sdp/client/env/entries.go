package env

import (
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp/settings"
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
func (f *entryFlags) entries(args []string, stdin io.Reader) (rest.EnvironmentEntries, error) {
	out := rest.EnvironmentEntries{Note: f.note}
	var err error
	if out.Variables, err = cli.ParseEnv(args); err != nil {
		return out, err
	}
	if out.Secrets, err = cli.ParseSecrets(f.secrets, stdin); err != nil {
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

func readFile(arg string) (rest.NewFile, error) {
	path, local, found := strings.Cut(arg, "=")
	if !found || local == "" {
		return rest.NewFile{}, usage.Errorf("write --file /etc/app/settings.json=settings.json", "%q is not PATH=LOCAL_FILE", arg)
	}
	if err := settings.CheckFilePath(path); err != nil {
		return rest.NewFile{}, usage.Wrap(err)
	}
	content, err := readSome(local, nil, settings.MaxFile)
	return rest.NewFile{Path: path, Content: content}, err
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
