package role

import (
	"log/slog"
	"net"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"sdp/internal/router"
	"sdp/internal/router/egress"
	"sdp/worker"
)

func workerCommand() *cobra.Command {
	var path string
	return configFlag(&cobra.Command{
		Use:   "worker --config FILE",
		Short: "Run a node's worker: git, builds and containers",
		Long: `Run a node's worker. It fetches, builds and runs what the control plane asks for, with the clones its configuration
names and the machine's Docker daemon. It has no access to the database and keeps no user's credentials.`,
		Example: "  sdp worker --config /etc/sdp/node.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			startLog("worker")
			return worker.RunNode(cmd.Context(), path, slog.Default())
		},
	}, &path, "node.yaml")
}

func routerCommand() *cobra.Command {
	var path string
	return configFlag(&cobra.Command{
		Use:   "router --config FILE",
		Short: "Run a node's router: it owns the sandboxes' ports",
		Long: `Run a node's router, with the same configuration file as its worker. It goes on serving, also after a restart, while
worker, server, Temporal and PostgreSQL are all down.`,
		Example: "  sdp router --config /etc/sdp/node.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			startLog("router")
			c, err := worker.LoadRouterConfig(path)
			if err != nil {
				return err
			}
			r, err := router.New(routerConfig(c))
			if err != nil {
				return err
			}
			slog.Info("Starting", "node", c.Node)
			return r.Run(cmd.Context())
		},
	}, &path, "node.yaml")
}

func routerConfig(c worker.NodeConfig) router.Config {
	return router.Config{
		Node:     c.Node,
		Instance: c.Instance,
		DataDir:  c.Data,
		MeshAddr: net.JoinHostPort("", strconv.Itoa(c.MeshPort)),
		Routes: egress.Config{Allow: c.Routes.Allow, Deny: c.Routes.Deny, Networks: c.Networks,
			ControlPlane: controlPlane(c)},
	}
}

// controlPlane returns the hosts of the server and of Temporal. The configuration was checked: both are there.
func controlPlane(c worker.NodeConfig) []string {
	server, err := url.Parse(c.Server.URL)
	temporal, _, hostErr := net.SplitHostPort(c.Temporal.Address)
	if err != nil || hostErr != nil {
		return nil
	}
	return []string{server.Hostname(), temporal}
}
