package client

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) nodes() *cobra.Command {
	return &cobra.Command{
		Use:     "nodes",
		Short:   "List the machines and how they are",
		Example: "  sdp nodes\n  sdp nodes -o json",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(a, cmd, (*apiclient.Client).Nodes, a.showNodes)
		},
	}
}

func (a *App) showNodes(nodes []api.Node) {
	t := a.Screen.Table("NODE", "TYPE", "STATE", "SEEN", "BUILDS", "DISK FREE", "IMAGES' DISK", "MEMORY FREE", "LOAD", "PORTS")
	for _, n := range nodes {
		state := screen.Cell{Text: "up", Style: screen.Green}
		switch {
		case !n.Alive:
			state = screen.Cell{Text: "down", Style: screen.Red}
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
func imagesDisk(n api.Node) screen.Cell {
	switch {
	case n.ImagesUsed == 0:
		return screen.Cell{}
	case n.Watermark > 0 && n.ImagesUsed > n.Watermark:
		return screen.Cell{Text: fmt.Sprintf("%d%% > %d%%", n.ImagesUsed, n.Watermark), Style: screen.Yellow}
	}
	return screen.Cell{Text: fmt.Sprintf("%d%%", n.ImagesUsed)}
}

func (a *App) repos() *cobra.Command {
	return &cobra.Command{
		Use:     "repos",
		Short:   "List the repositories the nodes have configured",
		Example: "  sdp repos",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(a, cmd, (*apiclient.Client).Repositories, a.showRepos)
		},
	}
}

func (a *App) showRepos(repos []api.Repository) {
	t := a.Screen.Table("REPOSITORY", "NODE", "KIND", "PORT", "HEALTH", "SHARED ENVIRONMENT", "REMOTE")
	for _, r := range repos {
		t.Row(r.Name, r.Node, r.Kind, r.Port, r.Health, r.OCP, r.RemoteURL)
	}
	t.Print("No repository is configured. Add it under `repositories:` in the node.yaml of the machine that has the clone.")
}

func (a *App) branches() *cobra.Command {
	return &cobra.Command{
		Use:     "branches REPO",
		Short:   "List a repository's branches as the git server has them now",
		Example: "  sdp branches account",
		Args:    usage.Args(0, "REPO"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := sdp.CheckServiceName(args[0]); err != nil {
				return usage.Wrap(err)
			}
			get := func(c *apiclient.Client, ctx context.Context) ([]api.Branch, error) { return c.Branches(ctx, args[0]) }
			return ask(a, cmd, get, a.showBranches)
		},
	}
}

func (a *App) showBranches(branches []api.Branch) {
	t := a.Screen.Table("BRANCH", "COMMIT", "WHEN", "AUTHOR", "SUBJECT")
	for _, b := range branches {
		when := ""
		if !b.CommittedAt.IsZero() {
			when = a.Screen.Age(b.CommittedAt)
		}
		t.Row(b.Name, sdp.ShortSHA(b.SHA), when, b.Author, strings.TrimSpace(b.Subject))
	}
	t.Print("The repository has no branches.")
}
