package node

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
)

func (a verbs) imagesPrune() *cobra.Command {
	var node string
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove the images SDP made that nothing needs",
		Long: `Remove the images SDP made that nothing needs. What it would free is said first; --dry-run stops there.

An image is needed by containers, by deployments under way, by snapshots, and by the three newest versions of each
service of a sandbox. Base images and whatever SDP did not make are never removed.`,
		Example: "  sdp images prune --dry-run\n  sdp images prune --node micro-1",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connectForNode(node)
			if err != nil {
				return err
			}
			return a.prune(cmd.Context(), c, node, dryRun)
		},
	}
	cmd.Flags().StringVar(&node, "node", "", "only this node's; default: every node that is up")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be removed")
	return cli.Prints[[]rest.PruneReport](a.App, cmd)
}

func (a verbs) prune(ctx context.Context, c *apiclient.Client, node string, dryRun bool) error {
	nodes, err := a.pruneNodes(ctx, c, node)
	if err != nil {
		return err
	}
	reports := []rest.PruneReport{}
	for _, n := range nodes {
		report, err := c.PruneImages(ctx, n, true)
		if err != nil {
			return err
		}
		if dryRun || len(report.Removed) == 0 {
			reports = append(reports, report)
			continue
		}
		a.Screen.Notef("%s: %s to remove, which frees %s.", n, images(report.Removed), screen.Bytes(report.Freed))
		if report, err = c.PruneImages(ctx, n, false); err != nil {
			return err
		}
		reports = append(reports, report)
	}
	return a.Screen.Data(reports, func() { a.showPruned(reports) })
}

// pruneNodes lists the nodes to prune: the one named, or all that are up; of the others it says that they are left out.
func (a verbs) pruneNodes(ctx context.Context, c *apiclient.Client, node string) ([]string, error) {
	if node != "" {
		return []string{node}, nil
	}
	all, err := c.Nodes(ctx)
	var names []string
	for _, n := range all {
		if !n.Alive {
			a.Screen.Notef("%s is left out: %s", a.Screen.Paint(screen.Yellow, n.Name), strings.Join(n.Problems, "; "))
			continue
		}
		names = append(names, n.Name)
	}
	return names, err
}

func (a verbs) showPruned(reports []rest.PruneReport) {
	for _, r := range reports {
		switch {
		case len(r.Removed) == 0:
			a.Screen.Printf("%s: nothing to remove; %s needed, %s of the disk are free.", r.Node, images(r.Kept), screen.Bytes(r.DiskFree))
			continue
		case r.DryRun:
			a.Screen.Printf("%s: would remove %s and free %s; %s needed.", r.Node, images(r.Removed), screen.Bytes(r.Freed), images(r.Kept))
		default:
			a.Screen.Printf("%s: removed %s, %s; %s of the disk are free.", r.Node, images(r.Removed), screen.Bytes(r.Freed), screen.Bytes(r.DiskFree))
		}
		t := a.Screen.Table("IMAGE", "SIZE", "CREATED")
		for _, i := range r.Removed {
			t.Row(imageName(i), screen.Bytes(i.Size), a.Screen.Age(i.CreatedAt))
		}
		t.Print("")
	}
}

// images counts images.
func images(list []rest.Image) string {
	if len(list) == 1 {
		return "1 image"
	}
	return fmt.Sprintf("%d images", len(list))
}
