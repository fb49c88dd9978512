package client

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
)

func (a *App) logs() *cobra.Command {
	var follow bool
	var offset int64
	cmd := &cobra.Command{
		Use:   "logs DEPLOYMENT|SANDBOX/SERVICE [-f]",
		Short: "Show the log of a deployment, or what a service's container prints",
		Long: `Show the log of a deployment's pipeline, or what the container of a service prints.

With -f new lines appear while they are written, until the log ends or Ctrl-C; a lost connection, also a restart of the
server, is resumed where it broke, without losing or doubling a byte. -o json prints {"offset", "data"} objects.`,
		Example: `  sdp logs d-4k7qz2mwp3
  sdp logs checkout/account -f
  sdp logs d-4k7qz2mwp3 > build.log`,
		Args: usage.Args(0, "DEPLOYMENT or SANDBOX/SERVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := parseTarget(args[0])
			if err != nil {
				return err
			}
			if offset < 0 {
				return usage.Errorf("give 0 for the whole log", "--offset must not be negative")
			}
			return a.runLogs(cmd.Context(), t, offset, follow)
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on while it is written")
	cmd.Flags().Int64Var(&offset, "offset", 0, "start at this byte")
	return cmd
}

func (a *App) runLogs(ctx context.Context, t target, offset int64, follow bool) error {
	c, err := a.connect()
	if err != nil {
		return err
	}
	w := a.Screen.Out
	if a.Screen.Format != screen.Text {
		w = &frames{out: json.NewEncoder(a.Screen.Out), offset: offset}
	}
	switch {
	case t.deployment != "" && follow:
		_, err = c.FollowLogs(ctx, t.deployment, offset, w)
	case t.deployment != "":
		_, err = c.Logs(ctx, t.deployment, offset, w)
	case follow:
		_, err = c.FollowServiceLogs(ctx, t.sandbox, t.service, offset, w)
	default:
		_, err = c.ServiceLogs(ctx, t.sandbox, t.service, offset, w)
	}
	if follow && ctx.Err() != nil {
		return nil //nolint:nilerr // Ctrl-C is how following ends
	}
	return err
}

// frames writes a log as one JSON object per piece.
type frames struct {
	out    *json.Encoder
	offset int64
}

// Write implements io.Writer.
func (f *frames) Write(p []byte) (int, error) {
	next := f.offset + int64(len(p))
	err := f.out.Encode(api.LogFrame{Offset: f.offset, Next: next, Data: string(p)})
	f.offset = next
	return len(p), err
}
