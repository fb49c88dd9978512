package observe

import (
	"cmp"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) traffic() *cobra.Command {
	return cli.Prints[rest.Traffic](a.App, &cobra.Command{
		Use:     "traffic SANDBOX",
		Short:   "Show how many requests a sandbox gets, and how its services are",
		Example: "  sdp traffic checkout",
		Args:    usage.Args(0, "SANDBOX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.AskAbout(a.App, cmd, a.ConnectFor, args[0], (*apiclient.Client).Traffic, a.showTraffic)
		},
	})
}

func (a verbs) showTraffic(r rest.Traffic) {
	if r.LastActivity.IsZero() {
		a.Screen.Printf("No request has come through %s yet.", r.Sandbox)
	} else {
		a.Screen.Printf("Last request %s; counting began %s.", a.Screen.Age(r.LastActivity), a.Screen.Age(r.Since))
	}
	a.Screen.Printf("")
	t := a.Screen.Table("WHERE", "REQUESTS", "A SECOND", "ERRORS", "P50", "P95", "ANSWERED BY", "HEALTH", "WHY")
	row := func(name string, n rest.TrafficCount, by string, health screen.Cell, why string) {
		t.Row(name, strconv.FormatInt(n.Requests, 10), fmt.Sprintf("%.1f", n.PerSecond), strconv.FormatInt(n.Errors, 10),
			millis(n.P50Millis), millis(n.P95Millis), by, health, why)
	}
	row("public port", r.Gateway, "", screen.Cell{}, "")
	for _, v := range r.Services {
		row(v.Service, v.TrafficCount, cmp.Or(v.Target, v.Source), healthCell(v.Health), v.Reason)
	}
	t.Print("")
}

// millis is a duration in milliseconds, "" where there were no requests.
func millis(n float64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f ms", n)
}

func healthCell(health string) screen.Cell {
	switch sdp.ServiceHealth(health) {
	case sdp.ServiceHealthy:
		return screen.Cell{Text: health, Style: screen.Green}
	case sdp.ServiceDown:
		return screen.Cell{Text: health, Style: screen.Red}
	case sdp.ServiceDegraded, sdp.ServiceUnknown:
		return screen.Cell{Text: health, Style: screen.Yellow}
	default:
		return screen.Cell{Text: health}
	}
}
