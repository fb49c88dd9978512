// Command sdp is the Sandbox Deployment Platform in one binary: the roles that run it (server, worker, router, and up
// for all of them on one machine) and the client that developers use.
//
// Exit codes: 0 success, 1 the operation failed, 2 the command was called wrongly.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/contract"
	"sdp/cmd/sdp/role"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	out := screen.New(os.Stdout, os.Stderr)
	os.Exit(exitCode(ctx, out, run(ctx, out)))
}

// run executes the command line. What goes wrong before the verb itself starts is a wrong call.
func run(ctx context.Context, out *screen.Screen) error {
	started := false
	root, app := newRoot(out)
	var wrong error
	usage.Help(root, &wrong)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(app, cmd); err != nil {
			return err
		}
		started = true
		return nil
	}
	err := errors.Join(root.ExecuteContext(ctx), wrong)
	if started {
		return err
	}
	return usage.Wrap(err)
}

// exitCode says what went wrong, if anything, and returns the program's exit code. It ends -o ndjson with its last line.
func exitCode(ctx context.Context, out *screen.Screen, err error) int {
	outcome, code, reason := ending(ctx, err)
	if unwritten := out.End(outcome, code, reason); unwritten != nil && err == nil {
		code, err, reason = 1, unwritten, unwritten
	}
	var shown *cli.Shown
	var detached *cli.Detached
	switch {
	case err == nil:
	case errors.As(err, &detached) && !out.Machine():
		fmt.Fprintln(out.Err, "\n"+detached.Error())
	case outcome == screen.Detached && !out.Machine():
		fmt.Fprintln(out.Err, "\n"+reason.Error())
	case errors.As(err, &shown) && !out.Machine():
	default:
		out.Error(reason)
	}
	return code
}

// ending says how the program ends: the outcome, its exit code, and what a program is told about it.
func ending(ctx context.Context, err error) (screen.Outcome, int, error) {
	var detached *cli.Detached
	switch {
	case err == nil && ctx.Err() != nil:
		return screen.Detached, 0, nil //nolint:nilerr // Ctrl-C is how following a log ends
	case err == nil:
		return screen.Succeeded, 0, nil
	case errors.As(err, &detached):
		return screen.Detached, 1, detached.Problem()
	case usage.Is(err):
		return screen.Failed, 2, err
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return screen.Detached, 1, sdp.Errorf(sdp.Unavailable, "interrupted", "Interrupted.")
	}
	return screen.Failed, 1, err
}

func newRoot(out *screen.Screen) (*cobra.Command, *cli.App) {
	cobra.EnableCommandSorting = false // help lists verbs in the order people need them
	app := &cli.App{In: os.Stdin, Screen: out}
	root := &cobra.Command{
		Use:   "sdp",
		Short: "Run a feature branch in a sandbox, with everything else answered by the shared environment",
		Long: `SDP runs feature branches of services in isolated sandboxes. The services you name run from their branch;
every other one is answered by the shared environment. Each sandbox has one URL.`,
		Example: `  sdp up                                              everything on this machine, with a demo
  sdp login -u alice
  sdp sandbox create checkout --gateway main
  sdp deploy checkout account@feature/loyalty-points --wait`,
		Version:       role.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringVarP((*string)(&out.Format), "output", "o", string(screen.Text), "print data as text, json or yaml; ndjson where something is followed")
	root.PersistentFlags().StringVar(&app.Server, "server", "",
		"URL of the server; default $SDP_SERVER, else where you logged in last, else "+cli.DefaultServer)
	root.AddGroup(&cobra.Group{ID: client.Group, Title: "Work with sandboxes:"}, &cobra.Group{ID: role.Group, Title: "Run SDP:"})
	usage.Root(root, client.Commands(app)...)
	root.AddCommand(role.Commands(app)...)
	root.AddCommand(contract.Commands(app)...)
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		usage.Group(completion)
	}
	return root, app
}

// checkFormat refuses a format of the output that the verb does not have.
func checkFormat(app *cli.App, cmd *cobra.Command) error {
	formats := app.Formats(cmd)
	format := app.Screen.Format
	if slices.Contains(formats, format) {
		return nil
	}
	app.Screen.Format = screen.Text
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	return usage.Errorf("use "+strings.Join(names, ", "), "`%s` has no output format %q", cmd.CommandPath(), format)
}
