package observe

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) logs() *cobra.Command {
	var follow bool
	var offset int64
	cmd := &cobra.Command{
		Use:   "logs DEPLOYMENT|SANDBOX/SERVICE [-f]",
		Short: "Show the log of a deployment, or what a service's container prints",
		Long: `Show the log of a deployment's pipeline, or what the container of a service prints.

With -f new lines appear while they are written, until the log ends or Ctrl-C; a lost connection, also a restart of the
server, is resumed where it broke, without losing or doubling a byte. -o json prints {"offset", "data"} objects.

On a terminal a log's colours are kept and everything else that would act on the terminal is left out. Into a file or a
pipe the log goes as it is, for ` + "`less -R`" + ` too.`,
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
	return cli.PrintsLines[rest.LogFrame](a.App, cmd)
}

func (a verbs) runLogs(ctx context.Context, t target, offset int64, follow bool) error {
	c, err := a.Connect()
	if err != nil {
		return err
	}
	log := a.Screen.Log()
	defer log.Close()
	var w io.Writer = log
	if a.Screen.Format != screen.Text {
		w = &frames{screen: a.Screen, offset: offset}
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
	screen *screen.Screen
	offset int64
}

// Write implements io.Writer.
func (f *frames) Write(p []byte) (int, error) {
	next := f.offset + int64(len(p))
	frame := rest.LogFrame{Offset: f.offset, Next: next, Data: string(p)}
	write := func() error { return f.screen.JSONLine(frame) }
	if f.screen.Format == screen.NDJSON {
		write = func() error { return f.screen.Line(cli.Line{Type: "log", Log: &frame}) }
	}
	err := write()
	f.offset = next
	return len(p), err
}

// target is what `sdp logs` shows: a deployment's pipeline, or what a service's container prints.
type target struct{ deployment, sandbox, service string }

func parseTarget(arg string) (target, error) {
	sandbox, service, both := strings.Cut(arg, "/")
	if !both {
		return target{deployment: arg}, checkDeployment(arg)
	}
	if err := sdp.CheckSandboxName(sandbox); err != nil {
		return target{}, usage.Wrap(err)
	}
	return target{sandbox: sandbox, service: service}, usage.Wrap(sdp.CheckServiceName(service))
}

// checkDeployment refuses what cannot be the ID of a deployment, first of all a sandbox alone.
func checkDeployment(arg string) error {
	if strings.HasPrefix(arg, "d-") && cli.IsID(arg) {
		return nil
	}
	example := "checkout/account"
	if sdp.CheckSandboxName(arg) == nil {
		example = arg + "/account"
	}
	return usage.Errorf("write it as `sdp logs "+example+"`; `sdp history` lists deployments with their IDs",
		"`sdp logs` needs SANDBOX/SERVICE or the ID of a deployment, and %q is neither", arg)
}
