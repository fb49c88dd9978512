package deploy

import (
	"context"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) track() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:   "track",
		Short: "Deploy services again when their branches move",
		Long: `Deploy services again when their branches move. The server looks at the branches regularly, also while nobody is
signed in; for that the owner of the sandbox stores git credentials once.`,
	}, a.trackList(), a.trackSet("on", true), a.trackSet("off", false), a.trackCredential())
}

func (a verbs) trackSet(verb string, on bool) *cobra.Command {
	short := "Deploy a service again whenever its branch moves"
	if !on {
		short = "Leave a service as it is when its branch moves"
	}
	return cli.Prints[rest.Sandbox](a.App, &cobra.Command{
		Use:     verb + " SANDBOX SERVICE",
		Short:   short,
		Example: "  sdp track " + verb + " checkout account",
		Args:    usage.Args(0, "SANDBOX", "SERVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.ConnectForService(args[0], args[1])
			if err != nil {
				return err
			}
			s, err := c.Track(cmd.Context(), args[0], args[1], on)
			if err != nil {
				return err
			}
			return a.Screen.Data(s, func() { a.showTrackSet(s, args[1], on) })
		},
	})
}

func (a verbs) showTrackSet(s rest.Sandbox, service string, on bool) {
	if on {
		a.Screen.Printf("%s of %s is deployed again whenever its branch moves.", service, s.Name)
		view.Attention(a.Screen, s)
		return
	}
	a.Screen.Printf("%s of %s stays as it is when its branch moves.", service, s.Name)
}

func (a verbs) trackList() *cobra.Command {
	return cli.Prints[[]rest.TrackedService](a.App, &cobra.Command{
		Use:     "list [SANDBOX]",
		Aliases: []string{"ls"},
		Short:   "List the services whose branches are watched",
		Example: "  sdp track list\n  sdp track list checkout",
		Args:    usage.Args(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			sandbox := ""
			if len(args) == 1 {
				sandbox = args[0]
				if err := sdp.CheckSandboxName(sandbox); err != nil {
					return usage.Wrap(err)
				}
			}
			get := func(c *apiclient.Client, ctx context.Context) ([]rest.TrackedService, error) {
				return c.Tracked(ctx, sandbox)
			}
			return cli.Ask(a.App, cmd, get, a.showTracked)
		},
	})
}

func (a verbs) showTracked(list []rest.TrackedService) {
	t := a.Screen.Table("SANDBOX", "SERVICE", "BRANCH", "RUNS", "WHEN IT MOVES", "LOOKED AT")
	for _, s := range list {
		looked := ""
		if s.Watched && !s.CheckedAt.IsZero() {
			looked = a.Screen.Age(s.CheckedAt)
		}
		t.Row(s.Sandbox, s.Service, s.Branch, sdp.ShortSHA(s.Serving), whenItMoves(s), looked)
	}
	t.Print("No service runs a branch. Deploy one: sdp deploy SANDBOX SERVICE@BRANCH")
}

func whenItMoves(s rest.TrackedService) screen.Cell {
	switch {
	case !s.BranchGone.IsZero():
		return screen.Cell{Text: "the branch is gone", Style: screen.Red}
	case s.Track && !s.Watched:
		return screen.Cell{Text: s.Owner + " has stored no credentials that work", Style: screen.Yellow}
	case s.Problem != "":
		return screen.Cell{Text: s.Problem, Style: screen.Yellow}
	case s.Track && s.Idle == "":
		return screen.Cell{Text: "deployed", Style: screen.Green}
	case s.Track:
		return screen.Cell{Text: s.Idle, Style: screen.Yellow}
	}
	return screen.Cell{Text: "left as it is", Style: screen.Dim}
}
