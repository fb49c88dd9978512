package role

import (
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// keysCommand works on key files, those of the codec and the master key alike: both have the same form.
func keysCommand(app *cli.App) *cobra.Command {
	verb := func(use, short string, do func(*secret.CodecKeys, []string) (string, error), args ...string) *cobra.Command {
		return cli.Prints[[]keyView](app, &cobra.Command{
			Use: use, Short: short, Args: usage.Args(0, append([]string{"FILE"}, args...)...),
			RunE: func(_ *cobra.Command, args []string) error {
				keys, err := openKeys(args[0])
				if err != nil {
					return err
				}
				said, err := do(keys, args[1:])
				if err != nil {
					return err
				}
				if said != "" {
					app.Screen.Notef("%s", said)
				}
				list := keyViews(keys)
				return app.Screen.Data(list, func() { showKeys(app, list) })
			},
		})
	}
	return usage.Group(&cobra.Command{
		Use:   "keys",
		Short: "List and rotate the keys in a key file of the server",
		Long: `List and rotate the keys in a key file of the server: keys.master or keys.codec of server.yaml. Keys themselves are
never shown. docs/operations.md says in which order to do what.`,
		Example: `  sdp keys list /etc/sdp/keys/codec.keys
  sdp keys prepare /etc/sdp/keys/codec.keys    # then copy the file to all nodes
  sdp keys rotate /etc/sdp/keys/codec.keys
  sdp keys reseal --config /etc/sdp/server.yaml`,
	},
		verb("list FILE", "List the keys", func(*secret.CodecKeys, []string) (string, error) { return "", nil }),
		verb("prepare FILE", "Add a key that opens but does not seal yet, to be copied to other machines first",
			func(k *secret.CodecKeys, _ []string) (string, error) {
				id, err := k.Prepare()
				return "Key " + id + " is next. Copy the file to every machine that has one, then `sdp keys rotate`.", err
			}),
		verb("rotate FILE", "Seal with the prepared key, or a new one, from now on; old keys still open",
			func(k *secret.CodecKeys, _ []string) (string, error) {
				return "Restart the processes that seal with this file.", k.Rotate()
			}),
		resealCommand(app), retireCommand(app),
	)
}

// openKeys opens a key file; unlike the server it makes none, because a mistyped path would then look like success.
func openKeys(path string) (*secret.CodecKeys, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, sdp.Errorf(sdp.NotFound, "no-key-file", "there is no key file %s", path).
			WithRemedy("keys.master and keys.codec of server.yaml name the files there are")
	}
	return secret.LoadCodecKeys(path)
}

// keyView is a key as it is printed: without the key itself.
type keyView struct {
	ID    string    `json:"id"`
	State string    `json:"state"`
	Since time.Time `json:"since"`
}

func keyViews(keys *secret.CodecKeys) []keyView {
	var list []keyView
	for _, k := range keys.Keys() {
		list = append(list, keyView{k.ID, string(k.State), k.Since.UTC()})
	}
	return list
}

func showKeys(app *cli.App, list []keyView) {
	t := app.Screen.Table("KEY", "STATE", "SINCE")
	for _, k := range list {
		t.Row(k.ID, k.State, k.Since.Format(time.RFC3339))
	}
	t.Print("There are no keys.")
}
