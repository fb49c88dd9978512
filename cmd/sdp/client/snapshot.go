package client

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/cmd/sdp/usage"
	"sdp/internal/sdp"
)

func (a *App) snapshot() *cobra.Command {
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

func (a *App) snapshotCreate() *cobra.Command {
	var in api.CreateSnapshot
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
			c, err := a.connectFor(args[0])
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
	return cmd
}

func (a *App) snapshotList() *cobra.Command {
	return &cobra.Command{
		Use:     "list [SANDBOX]",
		Aliases: []string{"ls"},
		Short:   "List the snapshots, newest first",
		Example: "  sdp snapshot list checkout",
		Args:    usage.Args(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			get := func(c *apiclient.Client, ctx context.Context) ([]api.Snapshot, error) {
				return c.Snapshots(ctx, strings.Join(args, ""))
			}
			return ask(a, cmd, get, a.showSnapshots)
		},
	}
}

func (a *App) showSnapshots(list []api.Snapshot) {
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

func (a *App) snapshotShow() *cobra.Command {
	return a.snapshotVerb("show", "Show what a snapshot holds", func(ctx context.Context, c *apiclient.Client, n api.Snapshot) error {
		return a.Screen.Data(n, func() { a.showSnapshot(n) })
	})
}

func (a *App) showSnapshot(n api.Snapshot) {
	a.Screen.Printf("%s  %s of %s, taken %s by %s", a.Screen.Paint(screen.Bold, n.ID), n.Name, n.Sandbox, a.Screen.Age(n.CreatedAt), n.Author)
	if n.Description != "" {
		a.Screen.Printf("%s", n.Description)
	}
	if n.Spec.Environment != "" {
		a.Screen.Printf("environment %s, version %d", n.Spec.Environment, n.Spec.EnvironmentVersion)
	}
	a.Screen.Printf("")
	t := a.Screen.Table("SERVICE", "ANSWERED BY", "BRANCH", "COMMIT", "NODE", "IMAGE")
	images := map[string]api.SnapshotImage{}
	for _, i := range n.Images {
		images[i.Service] = i
	}
	for _, s := range frozen(n.Spec) {
		image := images[s.name]
		t.Row(s.name, s.by, s.branch, sdp.ShortSHA(s.commit), image.Node, image.Image)
	}
	t.Print("It has no service.")
	a.showKeys(n.SecretKeys)
}

// frozenService is a line of a snapshot.
type frozenService struct{ name, by, branch, commit string }

func frozen(spec api.SandboxSpec) []frozenService {
	var list []frozenService
	if g := spec.Gateway; g != nil {
		list = append(list, frozenService{cmp.Or(g.Repository, "(gateway)"), "sandbox", g.Branch, g.Commit})
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Services)) {
		v := spec.Services[name]
		by := "sandbox"
		if v.UseOCP {
			by = "ocp"
		} else if v.URL != "" {
			by = v.URL
		}
		list = append(list, frozenService{name, by, v.Branch, v.Commit})
	}
	return list
}

func (a *App) showKeys(keys map[string][]string) {
	for _, service := range slices.Sorted(maps.Keys(keys)) {
		of := "the sandbox"
		if service != "" {
			of = service
		}
		a.Screen.Notef("Secrets of %s: %s", of, strings.Join(keys[service], ", "))
	}
}

func (a *App) snapshotDiff() *cobra.Command {
	return a.snapshotVerb("diff", "Say in what the sandbox differs from its snapshot now", func(ctx context.Context, c *apiclient.Client, n api.Snapshot) error {
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
			a.showDifferences("", diff.Differences, "")
		})
	})
}

func (a *App) snapshotDelete() *cobra.Command {
	cmd := a.snapshotVerb("delete", "Delete a snapshot; its images may then be cleaned away", func(ctx context.Context, c *apiclient.Client, n api.Snapshot) error {
		if err := c.DeleteSnapshot(ctx, n.ID); err != nil {
			return err
		}
		return a.Screen.Data(n, func() { a.Screen.Printf("Snapshot %s of %s is deleted.", n.Name, n.Sandbox) })
	})
	cmd.Aliases = []string{"rm"}
	return cmd
}

// snapshotVerb is a verb about one snapshot.
func (a *App) snapshotVerb(verb, short string, do func(context.Context, *apiclient.Client, api.Snapshot) error) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " SNAPSHOT",
		Short:   short,
		Example: "  sdp snapshot " + verb + " checkout/before-release\n  sdp snapshot " + verb + " s-4k7qz2mwp3",
		Args:    usage.Args(0, "SNAPSHOT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, n, err := a.findSnapshot(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return do(cmd.Context(), c, n)
		},
	}
}

// findSnapshot returns the snapshot that is meant by an ID or by SANDBOX/NAME.
func (a *App) findSnapshot(ctx context.Context, arg string) (*apiclient.Client, api.Snapshot, error) {
	sandbox, name, named := strings.Cut(arg, "/")
	if !named && !idPattern.MatchString(arg) {
		return nil, api.Snapshot{}, usage.Errorf("`sdp snapshot list` lists them with their IDs; SANDBOX/NAME does as well",
			"%q is not the ID of a snapshot", arg)
	}
	c, err := a.connect()
	if err != nil {
		return nil, api.Snapshot{}, err
	}
	if !named {
		n, err := c.Snapshot(ctx, arg)
		return c, n, err
	}
	list, err := c.Snapshots(ctx, sandbox)
	if err != nil {
		return nil, api.Snapshot{}, err
	}
	var names []string
	for _, n := range list { // newest first: a deleted sandbox of the same name comes after the live one
		if n.Name == name && n.Sandbox == sandbox {
			return c, n, nil
		}
		names = append(names, n.Name)
	}
	remedy := "`sdp snapshot list " + sandbox + "` lists those there are"
	if near := sdp.Nearest(name, names); len(near) > 0 {
		remedy = "did you mean " + sandbox + "/" + near[0] + "? " + remedy
	}
	return nil, api.Snapshot{}, sdp.Errorf(sdp.NotFound, "snapshot-not-found", "sandbox %s has no snapshot %q", sandbox, name).WithRemedy("%s", remedy)
}
