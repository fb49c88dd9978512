package activities

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// watchBoxLifetime is how long a node may use credentials sealed for one look at branches.
const watchBoxLifetime = 15 * time.Minute

// BeginTracking says what to ask git servers in one look at all watched branches. The owners' stored credentials are
// sealed to the nodes for the operation id. Services whose owner has stored none, or none that work, are not asked for.
func (c *Control) BeginTracking(ctx context.Context, id string) (TrackRound, error) {
	watched, err := c.DB.Watched(ctx)
	if err != nil {
		return TrackRound{}, fail(err)
	}
	watched = slices.DeleteFunc(watched, func(w sdp.Watched) bool { return !w.Credential.Usable() })
	nodes, err := c.nodes(ctx)
	if err != nil {
		return TrackRound{}, fail(err)
	}
	stored, err := c.storedCredentials(ctx, watched)
	if err != nil {
		return TrackRound{}, fail(err)
	}
	round := roundBuilder{id: id, first: map[string]*WatchInput{}, rest: map[string]*WatchInput{}, asked: map[string]bool{}}
	for _, w := range watched {
		node, credential := nodes[w.Node], stored[w.Owner]
		if credential.plain == nil {
			continue
		}
		if why := unfit(node, w.Node); why != "" {
			if err := c.noteProblem(ctx, w, why); err != nil {
				return TrackRound{}, fail(err)
			}
			continue
		}
		if err := round.add(w, node, credential); err != nil {
			return TrackRound{}, fail(err)
		}
	}
	return round.build(), nil
}

func (c *Control) nodes(ctx context.Context) (map[string]sdp.Node, error) {
	list, err := c.DB.Nodes(ctx)
	nodes := make(map[string]sdp.Node, len(list))
	for _, n := range list {
		nodes[n.Name] = n
	}
	return nodes, err
}

// unfit says why nothing can be asked of, or deployed on, a node now.
func unfit(n sdp.Node, name string) string {
	switch {
	case !n.Alive(time.Now()):
		return "node " + name + " has no worker now"
	case n.Health.DockerError != "":
		return "Docker on node " + name + " does not answer now"
	case n.Health.DiskTotal > 0 && n.Health.DiskFree < minFree:
		return "the disk of node " + name + " is full"
	}
	return ""
}

// noteProblem records why a service's branch is not watched now, if that is news.
func (c *Control) noteProblem(ctx context.Context, w sdp.Watched, why string) error {
	if w.Problem == why {
		return nil
	}
	return c.DB.SetWatchProblem(ctx, w.Sandbox, w.Service, w.Branch, why)
}

// openCredential is what an owner stored, decrypted, for as long as it is sealed to nodes.
type openCredential struct {
	storedAt time.Time
	plain    []byte
}

// storedCredentials decrypts the credentials of the watched services' owners. Those that cannot be decrypted, because
// their key is gone, are marked.
func (c *Control) storedCredentials(ctx context.Context, watched []sdp.Watched) (map[string]openCredential, error) {
	var owners []string
	for _, w := range watched {
		owners = append(owners, w.Owner)
	}
	slices.Sort(owners)
	stored, err := c.DB.Credentials(ctx, slices.Compact(owners)...)
	if err != nil {
		return nil, err
	}
	open := map[string]openCredential{}
	for owner, s := range stored {
		plain, err := c.Keys.Open(sdp.SecretPurpose, s.Sealed, sdp.TrackingContext(owner))
		if err != nil {
			slog.ErrorContext(ctx, "Stored credentials could not be decrypted", "user", owner, "error", err)
			if err := c.DB.RefuseCredential(ctx, owner, s.StoredAt, "the server's master key cannot decrypt them"); err != nil {
				return nil, err
			}
			continue
		}
		open[owner] = openCredential{s.StoredAt, plain}
	}
	return open, nil
}

// roundBuilder groups questions: each owner's first one apart, one for each repository and owner, by node.
type roundBuilder struct {
	id          string
	first, rest map[string]*WatchInput // by node
	asked       map[string]bool        // owners
}

func (b *roundBuilder) add(w sdp.Watched, node sdp.Node, credential openCredential) error {
	same := func(a WatchAsk) bool { return a.Owner == w.Owner && a.Repository == w.Repository }
	for _, inputs := range []map[string]*WatchInput{b.first, b.rest} {
		if in := inputs[w.Node]; in != nil {
			if i := slices.IndexFunc(in.Asks, same); i >= 0 {
				if !slices.Contains(in.Asks[i].Branches, w.Branch) {
					in.Asks[i].Branches = append(in.Asks[i].Branches, w.Branch)
				}
				return nil
			}
		}
	}
	box, err := sealTo(node, b.id, watchBoxLifetime, credential.plain)
	if err != nil {
		return err
	}
	inputs := b.rest
	if !b.asked[w.Owner] {
		inputs, b.asked[w.Owner] = b.first, true
	}
	if inputs[w.Node] == nil {
		inputs[w.Node] = &WatchInput{ID: b.id, Node: w.Node}
	}
	inputs[w.Node].Asks = append(inputs[w.Node].Asks, WatchAsk{Owner: w.Owner, StoredAt: credential.storedAt,
		Repository: w.Repository, Branches: []string{w.Branch}, Credentials: box})
	return nil
}

func (b *roundBuilder) build() TrackRound {
	return TrackRound{First: byNode(b.first), Rest: byNode(b.rest)}
}

func byNode(inputs map[string]*WatchInput) []WatchInput {
	var out []WatchInput
	for _, in := range inputs {
		out = append(out, *in)
	}
	slices.SortFunc(out, func(a, b WatchInput) int { return strings.Compare(a.Node, b.Node) })
	return out
}
