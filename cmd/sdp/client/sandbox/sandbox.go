// Package sandbox holds the verbs about sandboxes as a whole, and those that make one what a sandbox.yaml says.
package sandbox

import (
	"cmp"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// verbs are the verbs of this package.
type verbs struct{ *cli.App }

// Commands returns the verbs.
func Commands(app *cli.App) []*cobra.Command {
	a := verbs{app}
	return []*cobra.Command{a.sandbox(), a.plan(), a.apply()}
}

func (a verbs) sandbox() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:     "sandbox",
		Aliases: []string{"sandboxes"},
		Short:   "Create, list, show, change and delete sandboxes",
	}, a.sandboxCreate(), a.sandboxList(), a.sandboxShow(), a.sandboxURL(), a.sandboxSet(), a.sandboxExport(),
		a.sandboxClone(), a.sandboxTouch(), a.sandboxDelete())
}

func (a verbs) sandboxList() *cobra.Command {
	return cli.Prints[[]rest.Sandbox](a.App, &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the sandboxes",
		Example: "  sdp sandbox list",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.Ask(a.App, cmd, (*apiclient.Client).Sandboxes, a.showSandboxes)
		},
	})
}

func (a verbs) showSandboxes(list []rest.Sandbox) {
	t := a.Screen.Table("SANDBOX", "STATE", "OWNER", "URL", "FROM BRANCHES", "CREATED")
	for _, s := range list {
		var own []string
		for _, service := range s.Services {
			if service.Source == string(sdp.SourceSandbox) {
				own = append(own, service.Name+"@"+cmp.Or(view.ServingBranch(service), view.ServingSHA(service), service.Branch))
			}
		}
		t.Row(s.Name, view.SandboxState(s), s.Owner, s.URL, strings.Join(own, " "), a.Screen.Age(s.CreatedAt))
	}
	t.Print("There is no sandbox. Create one: sdp sandbox create NAME")
	view.Attention(a.Screen, list...)
}

func (a verbs) sandboxShow() *cobra.Command {
	return cli.Prints[rest.Sandbox](a.App, &cobra.Command{
		Use:     "show NAME",
		Short:   "Show a sandbox and who answers for each of its services",
		Example: "  sdp sandbox show checkout",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cli.AskAbout(a.App, cmd, a.ConnectFor, args[0], (*apiclient.Client).Sandbox, func(s rest.Sandbox) { view.Sandbox(a.Screen, s) })
		},
	})
}

// SandboxURL is what `sdp sandbox url` prints.
type SandboxURL struct {
	URL string `json:"url"`
}

func (a verbs) sandboxURL() *cobra.Command {
	return cli.Prints[SandboxURL](a.App, &cobra.Command{
		Use:     "url NAME",
		Short:   "Print a sandbox's URL, for scripts",
		Example: `  curl -i "$(sdp sandbox url checkout)/account/42"`,
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.ConnectFor(args[0])
			if err != nil {
				return err
			}
			s, err := c.Sandbox(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.Screen.Data(SandboxURL{URL: s.URL}, func() { a.Screen.Printf("%s", s.URL) })
		},
	})
}

func (a verbs) sandboxTouch() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:     "touch NAME",
		Short:   "Mark a sandbox as used, as a request through it does",
		Example: "  sdp sandbox touch checkout",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.Operate(cmd.Context(), sdp.OpTouch, args[0], "", wait, "Sandbox "+args[0]+" is marked as used.")
		},
	}
	cli.WaitFlag(cmd, &wait)
	return cli.Follows[rest.Operation](a.App, cmd)
}

func (a verbs) sandboxDelete() *cobra.Command {
	var wait bool
	cmd := &cobra.Command{
		Use:     "delete NAME",
		Aliases: []string{"rm"},
		Short:   "Delete a sandbox with its containers, networks and routes",
		Example: "  sdp sandbox delete checkout",
		Args:    usage.Args(0, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.ConnectFor(args[0])
			if err != nil {
				return err
			}
			op, err := c.DeleteSandbox(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.Settle(cmd.Context(), c, op, wait, "Sandbox "+args[0]+" is deleted.")
		},
	}
	cli.WaitFlag(cmd, &wait)
	return cli.Follows[rest.Operation](a.App, cmd)
}
