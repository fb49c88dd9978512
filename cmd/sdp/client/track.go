package client

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) track() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:   "track",
		Short: "Deploy services again when their branches move",
		Long: `Deploy services again when their branches move. The server looks at the branches regularly, also while nobody is
signed in; for that the owner of the sandbox stores git credentials once.`,
	}, a.trackList(), a.trackSet("on", true), a.trackSet("off", false), a.trackCredential())
}

func (a *App) trackSet(verb string, on bool) *cobra.Command {
	short := "Deploy a service again whenever its branch moves"
	if !on {
		short = "Leave a service as it is when its branch moves"
	}
	return &cobra.Command{
		Use:     verb + " SANDBOX SERVICE",
		Short:   short,
		Example: "  sdp track " + verb + " checkout account",
		Args:    usage.Args(0, "SANDBOX", "SERVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connectForService(args[0], args[1])
			if err != nil {
				return err
			}
			s, err := c.Track(cmd.Context(), args[0], args[1], on)
			if err != nil {
				return err
			}
			return a.Screen.Data(s, func() { a.showTrackSet(s, args[1], on) })
		},
	}
}

func (a *App) showTrackSet(s api.Sandbox, service string, on bool) {
	if on {
		a.Screen.Printf("%s of %s is deployed again whenever its branch moves.", service, s.Name)
		a.showAttention(s)
		return
	}
	a.Screen.Printf("%s of %s stays as it is when its branch moves.", service, s.Name)
}

func (a *App) trackList() *cobra.Command {
	return &cobra.Command{
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
			get := func(c *apiclient.Client, ctx context.Context) ([]api.TrackedService, error) {
				return c.Tracked(ctx, sandbox)
			}
			return ask(a, cmd, get, a.showTracked)
		},
	}
}

func (a *App) showTracked(list []api.TrackedService) {
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

func whenItMoves(s api.TrackedService) screen.Cell {
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

func (a *App) trackCredential() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:   "credential",
		Short: "Store, show and delete the git credentials branches are watched with",
	}, a.credentialStore(), a.credentialShow(), a.credentialDelete())
}

func (a *App) credentialStore() *cobra.Command {
	return &cobra.Command{
		Use:   "store",
		Short: "Have the server keep your git credentials, so that branches are watched without you",
		Long: `Have the server keep your git credentials: the user name and password of this session, encrypted with the master key
of the installation. They are used to look at the branches of your sandboxes and to fetch what is tracked, and for
nothing else. "sdp track credential delete" removes them. If the git server refuses them, because the password has
changed, they are not used again until you store them anew.`,
		Example: "  sdp track credential store",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(a, cmd, (*apiclient.Client).StoreCredential, a.showCredential)
		},
	}
}

func (a *App) credentialShow() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Show when your git credentials were stored and whether they work; never the credentials",
		Example: "  sdp track credential show",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ask(a, cmd, (*apiclient.Client).Credential, a.showCredential)
		},
	}
}

func (a *App) showCredential(c api.TrackingCredential) {
	switch {
	case !c.Stored:
		a.Screen.Printf("Nothing of %s is stored. `sdp track credential store` would store %s.", c.User, c.What)
		return
	case c.Problem != "":
		a.Screen.Printf("%s: what %s stored %s is not used any more: %s", a.Screen.Paint(screen.Red, "refused"), c.User,
			a.Screen.Age(c.StoredAt), c.Problem)
		a.Screen.Printf("Sign in again and store it anew: sdp login -u %s, then sdp track credential store", c.User)
		return
	}
	checked := "not used yet"
	if !c.CheckedAt.IsZero() {
		checked = "last accepted by the git server " + a.Screen.Age(c.CheckedAt)
	}
	a.Screen.Printf("Stored %s, %s: %s.", a.Screen.Age(c.StoredAt), checked, c.What)
	if c.Every == "" {
		a.Screen.Notef("This installation watches no branches: an administrator has set tracking.every to 0 in server.yaml.")
	}
}

func (a *App) credentialDelete() *cobra.Command {
	return &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "Have the server forget your git credentials",
		Example: "  sdp track credential delete",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			if err := c.ForgetCredential(cmd.Context()); err != nil {
				return err
			}
			return a.Screen.Data(map[string]bool{"deleted": true}, func() {
				a.Screen.Printf("Deleted. Branches of your sandboxes are not watched any more.")
			})
		},
	}
}

// showAttention says what somebody should know about sandboxes, and what to do about it.
func (a *App) showAttention(list ...api.Sandbox) {
	for _, s := range list {
		for _, at := range s.Attention {
			a.Screen.Printf("%s %s: %s", a.Screen.Paint(screen.Yellow, "!"), s.Name, at.Detail)
			a.Screen.Printf("%s", a.Screen.Paint(screen.Dim, fmt.Sprintf("  %s", at.Remedy)))
		}
	}
}
