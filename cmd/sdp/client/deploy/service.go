package deploy

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) restart() *cobra.Command {
	cmd := a.serviceVerb(sdp.OpRestart)
	cmd.Short = "Restart a service: a new container of the same image takes over"
	return cmd
}

func (a verbs) stop() *cobra.Command {
	cmd := a.serviceVerb(sdp.OpStop)
	cmd.Short = "Stop a service's container"
	cmd.Long = `Stop a service's container. Requests for the service are then answered with 503, never silently by the shared
environment; "sdp route SANDBOX SERVICE ocp" has the shared environment answer.`
	return cmd
}

// serviceVerb is a verb SANDBOX SERVICE that hands in an operation.
func (a verbs) serviceVerb(kind sdp.OperationKind) *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:     string(kind) + " SANDBOX SERVICE",
		Example: "  sdp " + string(kind) + " checkout account",
		Args:    usage.Args(0, "SANDBOX", "SERVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			done := fmt.Sprintf("%s of %s is %s.", args[1], args[0], kind.Rules().Done)
			return a.Operate(cmd.Context(), kind, args[0], args[1], wait, done)
		},
	}
	cli.WaitFlag(cmd, &wait)
	return cli.Follows[rest.Operation](a.App, cmd)
}

func (a verbs) route() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:   "route SANDBOX SERVICE sandbox|ocp|URL",
		Short: "Say who answers for a service: the sandbox, the shared environment, or a URL",
		Long: `Say who answers for a service in a sandbox: its own container, the shared environment (ocp), or a URL. The switch
is live: no request is dropped and nothing restarts. Routes to the nodes themselves and to the control plane are not
followed, unless the node's configuration allows them (routes.allow).`,
		Example: `  sdp route checkout account ocp
  sdp route checkout account sandbox
  sdp route checkout rates http://192.168.1.20:9000`,
		Args: usage.Args(0, "SANDBOX", "SERVICE", "sandbox, ocp or a URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := parseSource(args[2])
			if err != nil {
				return err
			}
			c, err := a.ConnectForService(args[0], args[1])
			if err != nil {
				return err
			}
			op, err := c.SetRoute(cmd.Context(), args[0], args[1], in)
			if err != nil {
				return err
			}
			return a.Settle(cmd.Context(), c, op, wait, fmt.Sprintf("%s of %s is now answered by %s.", args[1], args[0], args[2]))
		},
	}
	cli.WaitFlag(cmd, &wait)
	return cli.Follows[rest.Operation](a.App, cmd)
}

func parseSource(arg string) (rest.SetRoute, error) {
	switch sdp.Source(arg) {
	case sdp.SourceSandbox, sdp.SourceOCP:
		return rest.SetRoute{Source: arg}, nil
	case sdp.SourceURL: // it is the URL that says so
	}
	u, err := url.Parse(arg)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return rest.SetRoute{}, usage.Errorf("write sandbox, ocp, or a URL such as http://192.168.1.20:9000 (without a password)",
			"that is not a route")
	}
	return rest.SetRoute{Source: string(sdp.SourceURL), URL: arg}, nil
}
