package node

import (
	"cmp"
	"slices"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) ports() *cobra.Command {
	return cli.Prints[[]rest.NodePorts](a.App, &cobra.Command{
		Use:   "ports",
		Short: "List the public ports and who has them",
		Long: `List the public ports of the gateway nodes and which sandbox has each, and the ports that some other program was found
to hold: those are not given out for ten minutes.`,
		Example: "  sdp ports\n  sdp ports -o json",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.Ask(a.App, cmd, (*apiclient.Client).Ports, a.showPorts)
		},
	})
}

func (a verbs) showPorts(nodes []rest.NodePorts) {
	t := a.Screen.Table("NODE", "PORT", "SANDBOX", "OWNER", "STATE", "URL")
	for _, n := range nodes {
		type row struct {
			port  int
			cells []any
		}
		var rows []row
		for _, p := range n.Taken {
			rows = append(rows, row{p.Port, []any{n.Node, p.Port, p.Sandbox, p.Owner, portState(p), p.URL}})
		}
		for _, p := range n.Foreign {
			rows = append(rows, row{p.Port, []any{n.Node, p.Port, "", "", screen.Cell{Text: "FOREIGN", Style: screen.Yellow}, p.Reason}})
		}
		slices.SortFunc(rows, func(x, y row) int { return cmp.Compare(x.port, y.port) })
		for _, r := range rows {
			t.Row(r.cells...)
		}
	}
	t.Print("No public port is taken.")
	for _, n := range nodes {
		if n.First > 0 {
			a.Screen.Printf("%s: %d to %d, %d free", n.Node, n.First, n.Last, n.Free)
		}
	}
}

func portState(p rest.TakenPort) screen.Cell {
	if p.State == string(sdp.Active) {
		return screen.Cell{Text: p.State, Style: screen.Green}
	}
	return screen.Cell{Text: p.State, Style: screen.Yellow}
}
