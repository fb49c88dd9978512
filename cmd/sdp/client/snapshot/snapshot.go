// Package snapshot holds the verbs about snapshots.
package snapshot

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

// verbs are the verbs of this package.
type verbs struct{ *cli.App }

// Command returns the verb with those below it.
func Command(app *cli.App) *cobra.Command {
	a := verbs{app}
	return a.snapshot()
}

func (a verbs) snapshot() *cobra.Command {
	return usage.Group(&cobra.Command{
		Use:     "snapshot",
		Aliases: []string{"snapshots"},
		Short:   "Freeze a sandbox, compare it with how it was, and go back",
		Long: `Freeze a sandbox, compare it with how it was, and go back.

A snapshot holds the commit of each service that runs, its image, the version of the environment, routes, variables,
secrets and limits. Its images are kept while it exists, so going back works even where a commit has vanished from its
repository. A snapshot outlives its sandbox.

Name a snapshot by its ID, or as SANDBOX/NAME.`,
	}, a.snapshotCreate(), a.snapshotList(), a.snapshotShow(), a.snapshotDiff(), a.snapshotRestore(), a.snapshotDelete())
}

func (a verbs) snapshotCreate() *cobra.Command {
	var in rest.CreateSnapshot
	cmd := &cobra.Command{
		Use:     "create SANDBOX NAME",
		Short:   "Freeze a sandbox as it is now",
		Example: `  sdp snapshot create checkout before-release --description "as tested on Friday"`,
		Args:    usage.Args(0, "SANDBOX", "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.Name = args[1]
			if err := sdp.CheckSnapshotName(in.Name); err != nil {
				return usage.Wrap(err)
			}
			c, err := a.ConnectFor(args[0])
			if err != nil {
				return err
			}
			made, err := c.CreateSnapshot(cmd.Context(), args[0], in)
			if err != nil {
				return err
			}
			return a.Screen.Data(made, func() {
				a.Screen.Printf("%s is snapshot %s of %s, with %d images kept for it.", made.ID, made.Name, made.Sandbox, len(made.Images))
			})
		},
	}
	cmd.Flags().StringVar(&in.Description, "description", "", "what it is for")
	return cli.Prints[rest.Snapshot](a.App, cmd)
}

func (a verbs) snapshotList() *cobra.Command {
	return cli.Prints[[]rest.Snapshot](a.App, &cobra.Command{
		Use:     "list [SANDBOX]",
		Aliases: []string{"ls"},
		Short:   "List the snapshots, newest first",
		Example: "  sdp snapshot list checkout",
		Args:    usage.Args(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			get := func(c *apiclient.Client, ctx context.Context) ([]rest.Snapshot, error) {
				return c.Snapshots(ctx, strings.Join(args, ""))
			}
			return cli.Ask(a.App, cmd, get, a.showSnapshots)
		},
	})
}

func (a verbs) showSnapshots(list []rest.Snapshot) {
	t := a.Screen.Table("SNAPSHOT", "SANDBOX", "NAME", "SERVICES", "BY", "TAKEN", "DESCRIPTION")
	for _, n := range list {
		of := n.Sandbox
		if n.SandboxGone {
			of += " (deleted)"
		}
		t.Row(n.ID, of, n.Name, len(n.Images), n.Author, a.Screen.Age(n.CreatedAt), n.Description)
	}
	t.Print("There is no snapshot. Take one: sdp snapshot create SANDBOX NAME")
}

func (a verbs) snapshotShow() *cobra.Command {
	return cli.Prints[rest.Snapshot](a.App, a.snapshotVerb("show", "Show what a snapshot holds", func(ctx context.Context, c *apiclient.Client, n rest.Snapshot) error {
		return a.Screen.Data(n, func() { a.showSnapshot(n) })
	}))
}

func (a verbs) showSnapshot(n rest.Snapshot) {
	a.Screen.Printf("%s  %s of %s, taken %s by %s", a.Screen.Paint(screen.Bold, n.ID), n.Name, n.Sandbox, a.Screen.Age(n.CreatedAt), n.Author)
	if n.Description != "" {
		a.Screen.Printf("%s", n.Description)
	}
	if n.Spec.Environment != "" {
		a.Screen.Printf("environment %s, version %d", n.Spec.Environment, n.Spec.EnvironmentVersion)
	}
	a.Screen.Printf("")
	t := a.Screen.Table("SERVICE", "ANSWERED BY", "BRANCH", "COMMIT", "NODE", "IMAGE")
	images := map[string]rest.SnapshotImage{}
	for _, i := range n.Images {
		images[i.Service] = i
	}
	for _, s := range view.Frozen(n.Spec) {
		image := images[s.Name]
		t.Row(s.Name, s.By, s.Branch, sdp.ShortSHA(s.Commit), image.Node, image.Image)
	}
	t.Print("It has no service.")
	a.showKeys(n.SecretKeys)
}

func (a verbs) showKeys(keys map[string][]string) {
	for _, service := range slices.Sorted(maps.Keys(keys)) {
		of := "the sandbox"
		if service != "" {
			of = service
		}
		a.Screen.Notef("Secrets of %s: %s", of, strings.Join(keys[service], ", "))
	}
}

func (a verbs) snapshotDiff() *cobra.Command {
	return cli.Prints[rest.SnapshotDiff](a.App, a.snapshotVerb("diff", "Say in what the sandbox differs from its snapshot now", func(ctx context.Context, c *apiclient.Client, n rest.Snapshot) error {
		diff, err := c.DiffSnapshot(ctx, n.ID)
		if err != nil {
			return err
		}
		return a.Screen.Data(diff, func() {
			if len(diff.Differences) == 0 {
				a.Screen.Printf("Sandbox %s is as it was in snapshot %s.", n.Sandbox, n.Name)
				return
			}
			a.Screen.Printf("Since snapshot %s of %s:", n.Name, n.Sandbox)
			view.Differences(a.Screen, "", diff.Differences, "")
		})
	}))
}

func (a verbs) snapshotDelete() *cobra.Command {
	cmd := a.snapshotVerb("delete", "Delete a snapshot; its images may then be cleaned away", func(ctx context.Context, c *apiclient.Client, n rest.Snapshot) error {
		if err := c.DeleteSnapshot(ctx, n.ID); err != nil {
			return err
		}
		return a.Screen.Data(n, func() { a.Screen.Printf("Snapshot %s of %s is deleted.", n.Name, n.Sandbox) })
	})
	cmd.Aliases = []string{"rm"}
	return cli.Prints[rest.Snapshot](a.App, cmd)
}
