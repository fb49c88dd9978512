package role

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/tour"
	"sdp/cmd/sdp/usage"
	"sdp/internal/devstack"
)

func upCommand(app *cli.App) *cobra.Command {
	var c devstack.Config
	var noDemo bool
	cmd := &cobra.Command{
		Use:   "up [--data DIR] [--listen ADDR] [--no-demo]",
		Short: "Run everything on this machine, with a demo",
		Long: `Run everything on this machine: a private PostgreSQL, Temporal, the server, and a worker and a router for each of the
two nodes micro-1 and gateway-1. It stays until Ctrl-C and then stops all it started. The next start, also after a
crash, finds everything as it was.

The demo adds a git server with three Go services and a PHP gateway, a shared environment that serves them from main,
and deploys a feature branch into the sandbox "demo".

Two of them with different data directories run side by side and never touch each other's containers.`,
		Example: `  sdp up
  sdp up --data ~/sdp-two --listen 127.0.0.1:7800`,
		Args: usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Demo = !noDemo
			return runUp(cmd.Context(), app.Screen, c)
		},
	}
	stackFlags(cmd, &c)
	f := cmd.Flags()
	f.StringVar(&c.Listen, "listen", "", "`ADDR` of the API and dashboard (default 127.0.0.1:7700, or a free port)")
	f.StringVar(&c.Address, "address", "", "host name or IP at which browsers reach this machine (default 127.0.0.1)")
	f.StringVar(&c.PublicPorts, "ports", "", "range of the sandboxes' ports, such as 8080-8119")
	f.StringVar(&c.Temporald, "temporald", "", "path of temporald (default beside sdp, else in PATH)")
	f.BoolVar(&noDemo, "no-demo", false, "run the platform only")
	return cli.PrintsText(app, cmd)
}

func downCommand(app *cli.App) *cobra.Command {
	var c devstack.Config
	cmd := &cobra.Command{
		Use:   "down [--data DIR]",
		Short: "Stop what `sdp up` runs and remove all of it: containers, networks, images and data",
		Args:  usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			quiet()
			p := newSteps(app.Screen)
			defer p.Close()
			c.RemoveContainers = func(ctx context.Context, stack devstack.Stack) error {
				inUse, err := removeContainers(ctx, stack)
				if len(inUse) > 0 {
					p.Event(imagesStay(inUse))
				}
				return err
			}
			return devstack.Down(cmd.Context(), c, p)
		},
	}
	stackFlags(cmd, &c)
	return cli.PrintsText(app, cmd)
}

// imagesStay says which images `sdp down` left, and why.
func imagesStay(inUse []string) string {
	const most = 5
	names := strings.Join(inUse[:min(most, len(inUse))], ", ")
	what := "1 image stays, because a container that is not this installation's uses it"
	if n := len(inUse); n > 1 {
		what = fmt.Sprintf("%d images stay, because containers that are not this installation's use them", n)
	}
	if more := len(inUse) - most; more > 0 {
		names += fmt.Sprintf(" and %d more", more)
	}
	return what + ": " + names
}

func stackFlags(cmd *cobra.Command, c *devstack.Config) {
	cmd.Flags().StringVar(&c.Data, "data", "", "data `DIR` (default "+devstack.DefaultData()+")")
	cmd.Flags().StringVar(&c.Docker, "docker", "", "address of the Docker daemon (default $DOCKER_HOST, else its usual socket)")
}

// quiet keeps the log of this process off the screen, which shows progress instead, unless SDP_LOG asks for it. What
// the parts of the stack log is in files of their own.
func quiet() {
	if os.Getenv("SDP_LOG") != "" {
		startLog("up")
		return
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
}

func runUp(ctx context.Context, s *screen.Screen, c devstack.Config) error {
	quiet()
	c.Hooks = hooks(s, time.Now())
	p := newSteps(s)
	defer p.Close()
	return devstack.Run(ctx, c, p)
}

// ready shows the user around once everything runs.
func ready(s *screen.Screen) func(context.Context, devstack.Stack, devstack.Progress) error {
	return func(ctx context.Context, stack devstack.Stack, p devstack.Progress) error {
		if steps, ok := p.(*steps); ok {
			steps.Close() // the tour has progress of its own; later events are lines
		}
		return tour.Run(ctx, s, tour.Place{
			Sandbox:    tour.SandboxName(stack.Instance),
			URL:        stack.URL,
			TemporalUI: stack.UI,
			LogDir:     stack.LogDir,
			GitURL:     stack.Demo.GitURL,
			Clones:     stack.Demo.Clones,
			Config:     stack.Config[devstack.MicroNode],

			ServerConfig: stack.Config["server"],
		})
	}
}
