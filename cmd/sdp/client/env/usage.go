package env

import (
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
)

func (a verbs) envUsage() *cobra.Command {
	return cli.Prints[rest.EnvironmentUsage](a.App, &cobra.Command{
		Use: "usage NAME", Short: "Show who uses an environment, and what runs with an older version of it",
		Example: "  sdp env usage dev",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.AskAbout(a.App, cmd, a.connectForEnv, args[0], (*apiclient.Client).EnvironmentUsage, a.showEnvironmentUsage)
		},
	})
}

func (a verbs) showEnvironmentUsage(u rest.EnvironmentUsage) {
	a.Screen.Printf("%s  version %d, used by %s", a.Screen.Paint(screen.Bold, u.Name), u.Version, orNobody(u.Sandboxes))
	t := a.Screen.Table("SANDBOX", "SERVICE", "OWNER", "RUNS WITH", "STATE")
	behind := false
	for _, s := range u.Services {
		state := screen.Cell{Text: "up to date", Style: screen.Green}
		switch {
		case s.Behind:
			state, behind = screen.Cell{Text: "behind", Style: screen.Yellow}, true
		case s.Pinned:
			state = screen.Cell{Text: "pinned", Style: screen.Dim}
		}
		t.Row(s.Sandbox, s.Service, s.Owner, s.Runs, state)
	}
	t.Print("Nothing runs with it.")
	if behind {
		a.Screen.Notef("`sdp env redeploy %s` restarts what is behind.", u.Name)
	}
}

func orNobody(sandboxes []string) string {
	if len(sandboxes) == 0 {
		return "no sandbox"
	}
	return strings.Join(sandboxes, ", ")
}
