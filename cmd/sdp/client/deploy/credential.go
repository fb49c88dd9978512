package deploy

import (
	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
)

func (a verbs) trackCredential() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:   "credential",
		Short: "Store, show and delete the git credentials branches are watched with",
	}, a.credentialStore(), a.credentialShow(), a.credentialDelete())
}

func (a verbs) credentialStore() *cobra.Command {
	return cli.Prints[rest.TrackingCredential](a.App, &cobra.Command{
		Use:   "store",
		Short: "Have the server keep your git credentials, so that branches are watched without you",
		Long: `Have the server keep your git credentials: the user name and password of this session, encrypted with the master key
of the installation. They are used to look at the branches of your sandboxes and to fetch what is tracked, and for
nothing else. "sdp track credential delete" removes them. If the git server refuses them, because the password has
changed, they are not used again until you store them anew.`,
		Example: "  sdp track credential store",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.Ask(a.App, cmd, (*apiclient.Client).StoreCredential, a.showCredential)
		},
	})
}

func (a verbs) credentialShow() *cobra.Command {
	return cli.Prints[rest.TrackingCredential](a.App, &cobra.Command{
		Use:     "show",
		Short:   "Show when your git credentials were stored and whether they work; never the credentials",
		Example: "  sdp track credential show",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.Ask(a.App, cmd, (*apiclient.Client).Credential, a.showCredential)
		},
	})
}

func (a verbs) showCredential(c rest.TrackingCredential) {
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

// CredentialDeleted is what `sdp track credential delete` prints.
type CredentialDeleted struct {
	Deleted bool `json:"deleted"`
}

func (a verbs) credentialDelete() *cobra.Command {
	return cli.Prints[CredentialDeleted](a.App, &cobra.Command{
		Use:     "delete",
		Aliases: []string{"rm"},
		Short:   "Have the server forget your git credentials",
		Example: "  sdp track credential delete",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.Connect()
			if err != nil {
				return err
			}
			if err := c.ForgetCredential(cmd.Context()); err != nil {
				return err
			}
			return a.Screen.Data(CredentialDeleted{Deleted: true}, func() {
				a.Screen.Printf("Deleted. Branches of your sandboxes are not watched any more.")
			})
		},
	})
}
