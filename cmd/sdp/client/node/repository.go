package node

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a verbs) repos() *cobra.Command {
	return cli.Prints[[]rest.Repository](a.App, &cobra.Command{
		Use:     "repos",
		Short:   "List the repositories the nodes have configured",
		Example: "  sdp repos",
		Args:    usage.Args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cli.Ask(a.App, cmd, (*apiclient.Client).Repositories, a.showRepos)
		},
	})
}

func (a verbs) showRepos(repos []rest.Repository) {
	t := a.Screen.Table("REPOSITORY", "NODE", "KIND", "PORT", "HEALTH", "SHARED ENVIRONMENT", "REMOTE")
	for _, r := range repos {
		if r.Problem != "" {
			t.Row(r.Name, r.Node, "unusable", "", "", r.OCP, r.Problem)
			continue
		}
		t.Row(r.Name, r.Node, r.Kind, r.Port, r.Health, r.OCP, r.RemoteURL)
	}
	t.Print("No repository is configured. Add it under `repositories:` in the node.yaml of the machine that has the clone.")
}

func (a verbs) branches() *cobra.Command {
	return cli.Prints[[]rest.Branch](a.App, &cobra.Command{
		Use:     "branches REPO",
		Short:   "List a repository's branches as the git server has them now",
		Example: "  sdp branches account",
		Args:    usage.Args(0, "REPO"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := sdp.CheckServiceName(args[0]); err != nil {
				return usage.Wrap(err)
			}
			get := func(c *apiclient.Client, ctx context.Context) ([]rest.Branch, error) { return c.Branches(ctx, args[0]) }
			return cli.Ask(a.App, cmd, get, a.showBranches)
		},
	})
}

func (a verbs) showBranches(branches []rest.Branch) {
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
