// Package node holds the verbs about nodes and what they have: repositories, images and ports.
package node

import (
	"fmt"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
)

// verbs are the verbs of this package.
type verbs struct{ *cli.App }

// Commands returns the verbs.
func Commands(app *cli.App) []*cobra.Command {
	a := verbs{app}
	return []*cobra.Command{a.nodes(), a.ports(), a.repos(), a.branches()}
}

// ImageCommands are the verbs below `sdp images` that ask the server. The one that works on this machine is a role's.
func ImageCommands(app *cli.App) []*cobra.Command {
	a := verbs{app}
	return []*cobra.Command{a.imagesList(), a.imagesPrune()}
}

func (a verbs) nodes() *cobra.Command {
	return cli.Prints[[]rest.Node](a.App, &cobra.Command{
		Use:     "nodes",
		Short:   "List the machines and how they are",
		Example: "  sdp nodes\n  sdp nodes -o json",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.Ask(a.App, cmd, (*apiclient.Client).Nodes, a.showNodes)
		},
	})
}

func (a verbs) showNodes(nodes []rest.Node) {
	t := a.Screen.Table("NODE", "TYPE", "STATE", "SEEN", "BUILDS", "DISK FREE", "IMAGES' DISK", "MEMORY FREE", "LOAD", "PORTS")
	for _, n := range nodes {
		state := screen.Cell{Text: "up", Style: screen.Green}
		switch {
		case !n.Alive:
			state = screen.Cell{Text: "down", Style: screen.Red}
		case n.CordonedBy != "":
			state = screen.Cell{Text: "cordoned", Style: screen.Yellow}
		case len(n.Problems) > 0:
			state = screen.Cell{Text: "impaired", Style: screen.Yellow}
		}
		ports := ""
		if n.PortFirst > 0 {
			ports = fmt.Sprintf("%d-%d", n.PortFirst, n.PortLast)
		}
		t.Row(n.Name, n.Type, state, a.Screen.Age(n.LastSeen), fmt.Sprintf("%d/%d", n.RunningBuilds, n.Builds),
			screen.Bytes(n.DiskFree), imagesDisk(n), screen.Bytes(n.MemoryFree), fmt.Sprintf("%.2f", n.Load1), ports)
	}
	t.Print("No node has registered yet. A node does so when its `sdp worker` starts.")
	for _, n := range nodes {
		for _, problem := range n.Problems {
			a.Screen.Printf("%s: %s", a.Screen.Paint(screen.Yellow, n.Name), problem)
		}
		if n.Watermark > 0 && n.ImagesUsed > n.Watermark {
			a.Screen.Printf("%s: its disk is %d%% full, above its watermark of %d%%: images nothing needs are being removed, and what is left is needed (sdp images list)",
				a.Screen.Paint(screen.Yellow, n.Name), n.ImagesUsed, n.Watermark)
		}
	}
}

// imagesDisk is how full the disk with a node's images is, set apart where that is above the node's watermark.
func imagesDisk(n rest.Node) screen.Cell {
	switch {
	case n.ImagesUsed == 0:
		return screen.Cell{}
	case n.Watermark > 0 && n.ImagesUsed > n.Watermark:
		return screen.Cell{Text: fmt.Sprintf("%d%% > %d%%", n.ImagesUsed, n.Watermark), Style: screen.Yellow}
	}
	return screen.Cell{Text: fmt.Sprintf("%d%%", n.ImagesUsed)}
}
