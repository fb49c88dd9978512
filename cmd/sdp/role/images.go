package role

import (
	"bufio"
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/node"
	"sdp/cmd/sdp/usage"
	"sdp/internal/devstack"
	"sdp/internal/docker"
	"sdp/internal/sdp"
)

func imagesCommand(app *cli.App) *cobra.Command {
	verbs := append(node.ImageCommands(app), imagesImport(app))
	return usage.Group(&cobra.Command{Use: "images", Short: "List, prune and import the images of nodes"}, verbs...)
}

// importedImage is an image that `sdp images import` brought.
type importedImage struct {
	Image string `json:"image"`
}

func imagesImport(app *cli.App) *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Load the images of an archive into this machine's Docker daemon",
		Long: `Load the images of an archive that "docker save" made into this machine's Docker daemon. Run it on the node: SDP
pulls nothing, so base images come this way. FILE may be - for standard input.`,
		Example: `  docker save -o image.tar company/php:8.2      # on a machine that has it
  sdp images import image.tar                   # on the node`,
		Args: usage.Args(0, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			refs, err := importImages(cmd.Context(), app.In, args[0], address)
			if err != nil {
				return err
			}
			list := []importedImage{}
			for _, ref := range refs {
				list = append(list, importedImage{Image: ref})
			}
			return app.Screen.Data(list, func() {
				for _, i := range list {
					app.Screen.Printf("%s is there now.", i.Image)
				}
			})
		},
	}
	cmd.Flags().StringVar(&address, "docker", "", "address of the Docker daemon (default $DOCKER_HOST, else its usual socket)")
	return cli.Prints[[]importedImage](app, cmd)
}

func importImages(ctx context.Context, in io.Reader, file, address string) ([]string, error) {
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, sdp.Errorf(sdp.Invalid, "no-archive", "the archive cannot be read: %w", err).
				WithRemedy("make it with `docker save -o %s NAME:TAG`", file)
		}
		defer f.Close()
		in = f
	}
	d, err := docker.New(devstack.DockerAddress(address), "default", "import", anyPool)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.ImportImage(ctx, bufio.NewReader(in))
}
