// Package role holds the verbs that run SDP: the roles server, worker and router, the database migration, and up and
// down for everything on one machine. Each reads its configuration, wires packages together and runs them until the
// context ends.
package role

import (
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/secret/redact"
	"sdp/worker"
)

// Group is the ID of the group of verbs in the program's help.
const Group = "roles"

// Commands returns the verbs.
func Commands(app *cli.App) []*cobra.Command {
	commands := []*cobra.Command{upCommand(app), downCommand(app)}
	for _, role := range []*cobra.Command{serverCommand(), workerCommand(), routerCommand()} {
		commands = append(commands, cli.PrintsText(app, role)) // a log
	}
	commands = append(commands, migrateCommand(app), nodeCommand(app), keysCommand(app), imagesCommand(app))
	for _, c := range commands {
		c.GroupID = Group
	}
	return append(commands, demoCommand(app))
}

// configFlag adds the flag every role needs.
func configFlag(cmd *cobra.Command, path *string, file string) *cobra.Command {
	cmd.Flags().StringVarP(path, "config", "c", "", "configuration file ("+file+")")
	cmd.Args = usage.Args(0)
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		if *path == "" {
			return usage.Errorf(cmd.CommandPath()+" --config "+file, "`%s` needs a configuration file", cmd.CommandPath())
		}
		return nil
	}
	return cmd
}

// startLog sends the log of a role to standard error, with everything secret taken out. SDP_LOG sets the level (debug,
// info, warn, error), SDP_LOG_FORMAT=json the form.
func startLog(role string) {
	var level slog.Level // the zero value is Info; so is an SDP_LOG that names no level
	_ = level.UnmarshalText([]byte(strings.ToUpper(os.Getenv("SDP_LOG"))))
	options := &slog.HandlerOptions{Level: level}
	var h slog.Handler = slog.NewTextHandler(os.Stderr, options)
	if os.Getenv("SDP_LOG_FORMAT") == "json" {
		h = slog.NewJSONHandler(os.Stderr, options)
	}
	slog.SetDefault(slog.New(redact.LogHandler(h)).With("role", role))
}

// Version is the version of this build.
func Version() string { return worker.Version }
