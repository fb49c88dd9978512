package sandbox

import (
	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/specfile"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) sandboxExport() *cobra.Command {
	var pinned bool
	var file string
	cmd := &cobra.Command{
		Use:   "export NAME [--pinned]",
		Short: "Print a sandbox as a sandbox.yaml",
		Long: `Print a sandbox as a sandbox.yaml: applied as it is, it changes nothing. Secrets are never printed; they stay with the
sandbox. With --pinned every service stays at the commit it runs now instead of following its branch.`,
		Example: `  sdp sandbox export checkout > sandbox.yaml
  sdp sandbox export checkout --pinned --file release.yaml`,
		Args: usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.ConnectFor(args[0])
			if err != nil {
				return err
			}
			spec, err := c.Definition(cmd.Context(), args[0], pinned)
			if err != nil {
				return err
			}
			return specfile.Export(a.App, spec, file)
		},
	}
	cmd.Flags().BoolVar(&pinned, "pinned", false, "pin every service to the commit it runs")
	cmd.Flags().StringVar(&file, "file", "", "write to this new `file` instead of the screen")
	return cli.Prints[sdp.SandboxSpec](a.App, cmd)
}
