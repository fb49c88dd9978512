package role

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/engine"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/worker"
)

func resealCommand(app *cli.App) *cobra.Command {
	var path string
	return cli.Prints[[]resealView](app, configFlag(&cobra.Command{
		Use:   "reseal --config FILE",
		Short: "Encrypt everything in the database anew with the active master key",
		Long: `Encrypt everything in the database anew with the active master key: secrets and files of environments, secrets of
sandboxes, services and snapshots, git credentials. The server may run meanwhile; it must have been restarted since the
rotation, so that it does not seal with the old key any more. It can be repeated at any time.`,
		Example: "  sdp keys reseal --config /etc/sdp/server.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadServerConfig(path)
			if err != nil {
				return err
			}
			report, err := reseal(cmd.Context(), c)
			if err != nil {
				return err
			}
			return app.Screen.Data(resealViews(report), func() { showResealed(app, report) })
		},
	}, &path, "server.yaml"))
}

func reseal(ctx context.Context, c serverConfig) ([]postgres.Resealed, error) {
	if _, err := openKeys(c.Keys.Master); err != nil {
		return nil, err // without making one
	}
	keys, err := secret.LoadKeyring(c.Keys.Master)
	if err != nil {
		return nil, err
	}
	db, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	report, err := db.Reseal(ctx, func(sealed []byte, at string) ([]byte, error) {
		return keys.Reseal(sdp.SecretPurpose, sealed, at)
	})
	if err != nil {
		return nil, err
	}
	anew := 0
	for _, r := range report {
		anew += r.Anew
	}
	return report, db.Audit(ctx, sdp.AuditEvent{User: "system", Action: sdp.AuditKeysReseal, Outcome: sdp.Succeeded,
		Detail: fmt.Sprintf("%d values were encrypted anew", anew)})
}

// open connects to the database that the configuration names.
func (c *serverConfig) open(ctx context.Context) (*postgres.DB, error) {
	password, err := c.password()
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, c.Database.URL, password)
}

type resealView struct {
	What   string `json:"what"`
	Values int    `json:"values"`
	Anew   int    `json:"anew"`
}

func resealViews(report []postgres.Resealed) []resealView {
	var list []resealView
	for _, r := range report {
		list = append(list, resealView(r))
	}
	return list
}

func showResealed(app *cli.App, report []postgres.Resealed) {
	t := app.Screen.Table("WHAT", "THERE ARE", "ENCRYPTED ANEW")
	for _, r := range report {
		t.Row(r.What, r.Values, r.Anew)
	}
	t.Print("There is nothing to encrypt.")
}

func retireCommand(app *cli.App) *cobra.Command {
	var path string
	var force bool
	cmd := &cobra.Command{
		Use:   "retire FILE KEY --config server.yaml",
		Short: "Delete an old key: what it sealed cannot be opened any more",
		Long: `Delete an old key: what it sealed cannot be opened any more. A key that something in the database, or in Temporal's
history, still needs is not deleted; "sdp keys reseal" makes the database need it no more. --force asks nothing.`,
		Example: "  sdp keys retire /etc/sdp/keys/master.key k3x5abcdefg --config /etc/sdp/server.yaml",
		Args:    usage.Args(0, "FILE", "KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if path == "" && !force {
				return usage.Errorf("name the server's configuration with --config, so that it can be looked up what still needs the key, or add --force",
					"it is not known whether the key is needed")
			}
			keys, err := openKeys(args[0])
			if err != nil {
				return err
			}
			if !force {
				if err := refuseNeeded(cmd.Context(), path, args[0], args[1], keys); err != nil {
					return err
				}
			}
			if err := keys.Retire(args[1]); err != nil {
				return err
			}
			app.Screen.Notef("Key %s is deleted.", args[1])
			list := keyViews(keys)
			return app.Screen.Data(list, func() { showKeys(app, list) })
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "the server's configuration file, to look up what still needs the key")
	cmd.Flags().BoolVar(&force, "force", false, "delete the key whatever needs it")
	return cli.Prints[[]keyView](app, cmd)
}

// refuseNeeded returns an error if something still needs the key of the file.
func refuseNeeded(ctx context.Context, config, file, id string, keys *secret.CodecKeys) error {
	c, err := loadServerConfig(config)
	if err != nil {
		return err
	}
	if same(file, c.Keys.Codec) {
		return refuseKept(ctx, c, keys)
	}
	if !same(file, c.Keys.Master) {
		return usage.Errorf("name the configuration the file belongs to, or add --force", "%s is neither keys.master nor keys.codec of %s", file, config)
	}
	return refuseUsed(ctx, c, id)
}

// refuseUsed returns an error if something in the database is encrypted with a master key.
func refuseUsed(ctx context.Context, c serverConfig, id string) error {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	uses, err := db.SealedWith(ctx, id, secret.SealedBy)
	if err != nil {
		return err
	}
	var needed []string
	for _, u := range uses {
		if u.Values > 0 {
			needed = append(needed, fmt.Sprintf("%d %s", u.Values, u.What))
		}
	}
	if len(needed) == 0 {
		return nil
	}
	return sdp.Errorf(sdp.Conflict, "key-needed", "key %s is still needed by %s", id, strings.Join(needed, ", ")).
		WithRemedy("run `sdp keys reseal --config server.yaml` first, and wait for changes to end")
}

// askTemporal bounds how long a command waits for Temporal.
const askTemporal = 15 * time.Second

// refuseKept returns an error while Temporal keeps something that old codec keys may have sealed: the history of what has
// ended, for as long as it is set to, and that of what has not.
func refuseKept(ctx context.Context, c serverConfig, keys *secret.CodecKeys) error {
	ctx, cancel := context.WithTimeout(ctx, askTemporal)
	defer cancel()
	temporal, err := worker.Dial(c.Temporal, keys, identity(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer temporal.Close()
	e := engine.New(temporal, nil)
	kept, err := e.Retention(ctx, c.Temporal.Namespace)
	if err != nil {
		return err
	}
	if err := refuseRecent(keys, kept, time.Now()); err != nil {
		return err
	}
	open, err := e.BegunBefore(ctx, rotatedAt(keys))
	if err == nil && open > 0 {
		err = sdp.Errorf(sdp.Conflict, "key-needed",
			"%d workflows in Temporal began before the keys were rotated and have not ended", open).
			WithRemedy("retire the key once they have, the one of a sandbox ten minutes after its last operation, or add --force")
	}
	return err
}

// rotatedAt is since when nothing is sealed with old keys.
func rotatedAt(keys *secret.CodecKeys) (at time.Time) {
	for _, k := range keys.Keys() {
		if k.State == secret.KeyActive {
			at = k.Since
		}
	}
	return at
}

// refuseRecent returns an error while Temporal may still keep the history of what ended before the keys were rotated.
func refuseRecent(keys *secret.CodecKeys, kept time.Duration, now time.Time) error {
	at := rotatedAt(keys)
	age := now.Sub(at)
	if age >= kept {
		return nil
	}
	return sdp.Errorf(sdp.Conflict, "key-needed", "the keys were rotated %s ago, and Temporal keeps its history for %s",
		age.Round(time.Minute), kept).WithRemedy("retire the old key after %s, or add --force",
		at.Add(kept).Local().Format("2006-01-02 15:04"))
}

func same(a, b string) bool {
	x, errX := filepath.Abs(a)
	y, errY := filepath.Abs(b)
	return errX == nil && errY == nil && x == y
}
