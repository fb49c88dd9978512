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
	"syscall"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client"
	"sdp/cmd/sdp/role"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
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
	root := newRoot(out)
	var wrong error
	usage.Help(root, &wrong)
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := checkFormat(out, cmd); err != nil {
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

// exitCode says what went wrong, if anything, and returns the program's exit code.
func exitCode(ctx context.Context, out *screen.Screen, err error) int {
	var detached *client.Detached
	switch {
	case err == nil:
		return 0
	case errors.Is(err, client.ErrShown):
		return 1
	case errors.As(err, &detached):
		fmt.Fprintln(out.Err, "\n"+detached.Note)
		return 1
	case usage.Is(err):
		out.Error(err)
		return 2
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(out.Err, "\nInterrupted.")
		return 1
	}
	out.Error(err)
	return 1
}

func newRoot(out *screen.Screen) *cobra.Command {
	cobra.EnableCommandSorting = false // help lists verbs in the order people need them
	app := &client.App{In: os.Stdin, Screen: out}
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
	root.PersistentFlags().StringVarP((*string)(&out.Format), "output", "o", string(screen.Text), "print data as text, json or yaml")
	root.PersistentFlags().StringVar(&app.Server, "server", "",
		"URL of the server; default $SDP_SERVER, else where you logged in last, else "+client.DefaultServer)
	root.AddGroup(&cobra.Group{ID: client.Group, Title: "Work with sandboxes:"}, &cobra.Group{ID: role.Group, Title: "Run SDP:"})
	usage.Root(root, client.Commands(app)...)
	root.AddCommand(role.Commands(app)...)
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		usage.Group(completion)
	}
	return root
}

func checkFormat(out *screen.Screen, cmd *cobra.Command) error {
	formats := "text, json or yaml"
	switch format := out.Format; {
	case format == screen.Text, format == screen.JSON, format == screen.YAML:
		return nil
	case client.WritesCSV(cmd):
		if formats = "text, json, yaml or csv"; format == screen.CSV {
			return nil
		}
	}
	format := out.Format
	out.Format = screen.Text
	return usage.Errorf("use "+formats, "there is no output format %q", format)
}
