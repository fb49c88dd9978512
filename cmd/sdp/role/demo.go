package role

import (
	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/deploy/demo"
)

// demoCommand are the parts of the demo that `sdp up` runs as processes of their own. They are hidden: nobody else
// has a use for them.
func demoCommand(app *cli.App) *cobra.Command {
	return usage.Group(&cobra.Command{Use: "demo", Short: "Run the demo's own servers", Hidden: true},
		cli.PrintsText(app, demoGit()), cli.PrintsText(app, demoOCP()))
}

func demoGit() *cobra.Command {
	var c demo.GitConfig
	cmd := &cobra.Command{
		Use:   "git --listen ADDR --root DIR",
		Short: "Serve git over HTTP with passwords",
		Args:  usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			startLog("demo-git")
			return demo.RunGit(cmd.Context(), c)
		},
	}
	cmd.Flags().StringVar(&c.Listen, "listen", "127.0.0.1:7801", "host:port")
	cmd.Flags().StringVar(&c.Root, "root", "", "directory of the bare repositories")
	cmd.Flags().StringVar(&c.Users, "users", "", "file of users; default the demo's own")
	return required(cmd, "root")
}

func demoOCP() *cobra.Command {
	var c demo.OCPConfig
	cmd := &cobra.Command{
		Use:   "ocp --clones DIR --data DIR",
		Short: "Serve every service from main, as the shared environment does",
		Args:  usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			startLog("demo-ocp")
			return demo.RunOCP(cmd.Context(), c)
		},
	}
	cmd.Flags().StringVar(&c.ListenHost, "listen-host", "127.0.0.1", "address to listen on")
	cmd.Flags().IntVar(&c.BasePort, "base-port", 7810, "port of /healthz; the services follow")
	cmd.Flags().StringVar(&c.Clones, "clones", "", "directory of the demo's clones")
	cmd.Flags().StringVar(&c.Data, "data", "", "directory for binaries and output")
	return required(cmd, "clones", "data")
}

// required has a command refuse to run without these flags.
func required(cmd *cobra.Command, flags ...string) *cobra.Command {
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		for _, name := range flags {
			if cmd.Flag(name).Value.String() == "" {
				return usage.Errorf("usage: "+cmd.UseLine(), "`%s` needs --%s", cmd.CommandPath(), name)
			}
		}
		return nil
	}
	return cmd
}
