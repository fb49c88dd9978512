package snapshot

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

// snapshotVerb is a verb about one snapshot.
func (a verbs) snapshotVerb(verb, short string, do func(context.Context, *apiclient.Client, rest.Snapshot) error) *cobra.Command {
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
func (a verbs) findSnapshot(ctx context.Context, arg string) (*apiclient.Client, rest.Snapshot, error) {
	sandbox, name, named := strings.Cut(arg, "/")
	if !named && !cli.IsID(arg) {
		return nil, rest.Snapshot{}, usage.Errorf("`sdp snapshot list` lists them with their IDs; SANDBOX/NAME does as well",
			"%q is not the ID of a snapshot", arg)
	}
	c, err := a.Connect()
	if err != nil {
		return nil, rest.Snapshot{}, err
	}
	if !named {
		n, err := c.Snapshot(ctx, arg)
		return c, n, err
	}
	list, err := c.Snapshots(ctx, sandbox)
	if err != nil {
		return nil, rest.Snapshot{}, err
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
	return nil, rest.Snapshot{}, sdp.Errorf(sdp.NotFound, "snapshot-not-found", "sandbox %s has no snapshot %q", sandbox, name).WithRemedy("%s", remedy)
}
