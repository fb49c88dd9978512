package node

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) imagesList() *cobra.Command {
	var node string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the images on the nodes and what needs them",
		Long: `List the images SDP made on the nodes, the base images they are made from, and what needs each. What nothing needs is
removed by "sdp images prune", or by the node itself when its disk is fuller than its watermark.`,
		Aliases: []string{"ls"},
		Example: "  sdp images list\n  sdp images list --node micro-1 -o json",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connectForNode(node)
			if err != nil {
				return err
			}
			found, err := c.Images(cmd.Context(), node)
			if err != nil {
				return err
			}
			return a.Screen.Data(found, func() { a.showImages(found) })
		},
	}
	cmd.Flags().StringVar(&node, "node", "", "only this node's")
	return cli.Prints[rest.Images](a.App, cmd)
}

// connectForNode is Connect for a verb that may name a node.
func (a verbs) connectForNode(node string) (*apiclient.Client, error) {
	if node != "" {
		if err := sdp.CheckNodeName(node); err != nil {
			return nil, usage.Wrap(err)
		}
	}
	return a.Connect()
}

func (a verbs) showImages(found rest.Images) {
	t := a.Screen.Table("NODE", "IMAGE", "SIZE", "CREATED", "NEEDED BY")
	for _, i := range found.Items {
		t.Row(i.Node, imageName(i), screen.Bytes(i.Size), a.Screen.Age(i.CreatedAt), neededBy(i))
	}
	t.Print("There are no images yet. The first deployment makes one.")
	for _, m := range found.Missing {
		a.Screen.Notef("%s could not be asked: %s", a.Screen.Paint(screen.Yellow, m.Node), m.Reason)
	}
}

// imageName is an image's name, or the beginning of its ID where it has none.
func imageName(i rest.Image) string {
	id := strings.TrimPrefix(i.ID, "sha256:")
	return cmp.Or(i.Name, "nameless "+id[:min(12, len(id))])
}

func neededBy(i rest.Image) screen.Cell {
	if len(i.NeededBy) == 0 {
		return screen.Cell{Text: "nothing", Style: screen.Yellow}
	}
	return screen.Cell{Text: strings.Join(i.NeededBy, "; ")}
}
