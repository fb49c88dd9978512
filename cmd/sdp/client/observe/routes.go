package observe

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) routes() *cobra.Command {
	return cli.Prints[rest.Routes](a.App, &cobra.Command{
		Use:     "routes SANDBOX",
		Short:   "Show who answers for each service of a sandbox",
		Example: "  sdp routes checkout",
		Args:    usage.Args(0, "SANDBOX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.AskAbout(a.App, cmd, a.ConnectFor, args[0], (*apiclient.Client).Routes, a.showRoutes)
		},
	})
}

func (a verbs) showRoutes(r rest.Routes) {
	gateway := "routed by path: /<service>/..."
	if r.Gateway != "" {
		gateway = "answered by " + r.Gateway
	}
	a.Screen.Printf("%s  %s, version %d", a.Screen.Paint(screen.Bold, r.URL), gateway, r.Version)
	a.Screen.Printf("")
	t := a.Screen.Table("SERVICE", "ADDRESS INSIDE", "SOURCE", "ANSWERED BY", "COMMIT", "NODE")
	for _, s := range r.Routes {
		t.Row(s.Service, fmt.Sprintf("http://%s:%d", s.Service, s.Port), sourceCell(s), cmp.Or(s.Address, s.URL, s.Reason),
			sdp.ShortSHA(s.SHA), s.Node)
	}
	t.Print("The sandbox has no routes.")
}

func sourceCell(s rest.ServiceRoute) screen.Cell {
	switch {
	case s.Reason != "":
		return screen.Cell{Text: s.Source, Style: screen.Yellow}
	case s.Source == string(sdp.SourceSandbox):
		return screen.Cell{Text: s.Source, Style: screen.Green}
	default:
		return screen.Cell{Text: s.Source}
	}
}
