package client

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// waitFlag adds --wait to a verb that takes seconds and waits unless told not to.
func waitFlag(cmd *cobra.Command, wait *bool) {
	cmd.Flags().BoolVar(wait, "wait", true, "wait until it is done; --wait=false only hands it in")
}

func (a *App) restart() *cobra.Command {
	cmd := a.serviceVerb("restart", "%s of %s is restarted.", (*apiclient.Client).Restart)
	cmd.Short = "Restart a service: a new container of the same image takes over"
	return cmd
}

func (a *App) stop() *cobra.Command {
	cmd := a.serviceVerb("stop", "%s of %s is stopped.", (*apiclient.Client).Stop)
	cmd.Short = "Stop a service's container"
	cmd.Long = `Stop a service's container. Requests for the service are then answered with 503, never silently by the shared
environment; "sdp route SANDBOX SERVICE ocp" has the shared environment answer.`
	return cmd
}

// serviceVerb is a verb SANDBOX SERVICE that hands in an operation.
func (a *App) serviceVerb(verb, done string,
	do func(*apiclient.Client, context.Context, string, string) (api.Operation, error)) *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:     verb + " SANDBOX SERVICE",
		Example: "  sdp " + verb + " checkout account",
		Args:    usage.Args(0, "SANDBOX", "SERVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForService(args[0], args[1])
			if err != nil {
				return err
			}
			op, err := do(c, cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			return a.settle(cmd.Context(), c, op, wait, fmt.Sprintf(done, args[1], args[0]))
		},
	}
	waitFlag(cmd, &wait)
	return cmd
}

func (a *App) connectForService(sandbox, service string) (*apiclient.Client, error) {
	if err := sdp.CheckServiceName(service); err != nil {
		return nil, usage.Wrap(err)
	}
	return a.connectFor(sandbox)
}

func (a *App) route() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "route SANDBOX SERVICE sandbox|ocp|URL",
		Short: "Say who answers for a service: the sandbox, the shared environment, or a URL",
		Long: `Say who answers for a service in a sandbox: its own container, the shared environment (ocp), or any URL. The switch
is live: no request is dropped and nothing restarts.`,
		Example: `  sdp route checkout account ocp
  sdp route checkout account sandbox
  sdp route checkout rates http://192.168.1.20:9000`,
		Args: usage.Args(0, "SANDBOX", "SERVICE", "sandbox, ocp or a URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := parseSource(args[2])
			if err != nil {
				return err
			}
			c, err := a.connectForService(args[0], args[1])
			if err != nil {
				return err
			}
			op, err := c.SetRoute(cmd.Context(), args[0], args[1], in)
			if err != nil {
				return err
			}
			return a.settle(cmd.Context(), c, op, wait, fmt.Sprintf("%s of %s is now answered by %s.", args[1], args[0], args[2]))
		},
	}
	waitFlag(cmd, &wait)
	return cmd
}

func parseSource(arg string) (api.SetRoute, error) {
	switch sdp.Source(arg) {
	case sdp.SourceSandbox, sdp.SourceOCP:
		return api.SetRoute{Source: arg}, nil
	}
	u, err := url.Parse(arg)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return api.SetRoute{}, usage.Errorf("write sandbox, ocp, or a URL such as http://192.168.1.20:9000 (without a password)",
			"that is no route")
	}
	return api.SetRoute{Source: string(sdp.SourceURL), URL: arg}, nil
}

// settle ends a verb that handed in an operation: it waits if it should, then prints the operation or says done.
func (a *App) settle(ctx context.Context, c *apiclient.Client, op api.Operation, wait bool, done string) error {
	if !wait {
		return a.Screen.Data(op, func() { a.Screen.Printf("Accepted as %s.", op.ID) })
	}
	ended, err := a.followOperation(ctx, c, op)
	if err != nil {
		return err
	}
	return a.Screen.Data(ended, func() { a.Screen.Printf("%s", done) })
}

// followOperation waits until an operation ends; one that did not succeed is an error.
func (a *App) followOperation(ctx context.Context, c *apiclient.Client, op api.Operation) (api.Operation, error) {
	p := a.Screen.Progress()
	defer p.Close()
	show := func(op api.Operation) {
		text := strings.TrimSpace(op.Kind + " " + op.Sandbox + " " + op.Service)
		if op.WaitingFor != "" {
			text += ", queued behind " + op.WaitingFor
		}
		p.Show(op.ID, func() string { return text })
	}
	show(op)
	op, err := c.WaitOperation(ctx, op.ID, show)
	if err != nil {
		return op, detached(ctx, err, "No longer watching; the operation goes on by itself.")
	}
	p.Show(op.ID, nil)
	if op.State == string(sdp.OpSucceeded) {
		return op, nil
	}
	if err := apiclient.FailureError(op.Failure); err != nil {
		return op, err
	}
	return op, sdp.Errorf(sdp.Failed, "operation-"+strings.ToLower(op.State), "the operation was %s", strings.ToLower(op.State)).
		WithRemedy("`sdp audit --sandbox %s` says by whom", op.Sandbox)
}

func deploymentState(state string) screen.Cell {
	switch sdp.DeploymentState(state) {
	case sdp.Running:
		return screen.Cell{Text: state, Style: screen.Green}
	case sdp.DeployFailed:
		return screen.Cell{Text: state, Style: screen.Red}
	case sdp.DeployStopped, sdp.DeployCancelled:
		return screen.Cell{Text: state, Style: screen.Dim}
	default:
		return screen.Cell{Text: state, Style: screen.Yellow}
	}
}
