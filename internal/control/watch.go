package control

import (
	"context"
	"slices"
	"strings"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// sealForLook is how long a node may use credentials sealed for one look at branches.
const sealForLook = 15 * time.Minute

// BeginTracking says what to ask git servers in one look at all watched branches. The owners' stored credentials are
// sealed to the nodes for the operation id. Services whose owner has stored none, or none that work, are not asked for.
func (c *Control) BeginTracking(ctx context.Context, call *Call, id string) (wire.TrackRound, error) {
	if err := c.permit(call, sdp.LookTracking, Object{}); err != nil {
		return wire.TrackRound{}, err
	}
	watched, err := c.db.Watched(ctx)
	if err != nil {
		return wire.TrackRound{}, err
	}
	watched = slices.DeleteFunc(watched, func(w sdp.Watched) bool { return !w.Credential.Usable() })
	nodes, err := c.nodes(ctx)
	if err != nil {
		return wire.TrackRound{}, err
	}
	stored, err := c.storedCredentials(ctx, watched)
	if err != nil {
		return wire.TrackRound{}, err
	}
	round := roundBuilder{id: id, first: map[string]*wire.WatchInput{}, rest: map[string]*wire.WatchInput{}, asked: map[string]bool{}}
	for _, w := range watched {
		node, credential := nodes[w.Node], stored[w.Owner]
		if credential.plain == nil {
			continue
		}
		if why := c.unfit(node, w.Node); why != "" {
			if err := c.noteProblem(ctx, w, why); err != nil {
				return wire.TrackRound{}, err
			}
			continue
		}
		ask := round.ask(w, credential.storedAt)
		if ask == nil {
			continue
		}
		if ask.Credentials, err = c.sealed(node, id, sealForLook, credential.plain); err != nil {
			return wire.TrackRound{}, err
		}
	}
	return round.build(), nil
}

func (c *Control) nodes(ctx context.Context) (map[string]sdp.Node, error) {
	list, err := c.db.Nodes(ctx)
	nodes := make(map[string]sdp.Node, len(list))
	for _, n := range list {
		nodes[n.Name] = n
	}
	return nodes, err
}

// unfit says why nothing can be asked of, or deployed on, a node now.
func (c *Control) unfit(n sdp.Node, name string) string {
	switch {
	case !n.Alive():
		return "node " + name + " has no worker now"
	case n.Health.DockerError != "":
		return "Docker on node " + name + " does not answer now"
	case n.Health.DiskTotal > 0 && n.Health.DiskFree < sdp.MinDiskFree:
		return "the disk of node " + name + " is full"
	}
	return ""
}

// noteProblem records why a service's branch is not watched now, if that is news.
func (c *Control) noteProblem(ctx context.Context, w sdp.Watched, why string) error {
	if w.Problem == why {
		return nil
	}
	return c.db.SetWatchProblem(ctx, w.Sandbox, w.Service, w.Branch, why)
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
	stored, err := c.db.Credentials(ctx, slices.Compact(owners)...)
	if err != nil {
		return nil, err
	}
	open := map[string]openCredential{}
	for owner, s := range stored {
		plain, err := c.keys.Open(sdp.SecretPurpose, s.Sealed, sdp.TrackingContext(owner))
		if err != nil {
			c.log.ErrorContext(ctx, "Stored credentials could not be decrypted", "user", owner, "error", err)
			if err := c.db.RefuseCredential(ctx, owner, s.StoredAt, "the server's master key cannot decrypt them"); err != nil {
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
	first, rest map[string]*wire.WatchInput // by node
	asked       map[string]bool             // owners
}

// ask adds a question and returns it for its credentials, or nil where the same repository is asked for the same owner
// already.
func (b *roundBuilder) ask(w sdp.Watched, storedAt time.Time) *wire.WatchAsk {
	if known := b.find(w); known != nil {
		if !slices.Contains(known.Branches, w.Branch) {
			known.Branches = append(known.Branches, w.Branch)
		}
		return nil
	}
	inputs := b.rest
	if !b.asked[w.Owner] {
		inputs, b.asked[w.Owner] = b.first, true
	}
	in := inputs[w.Node]
	if in == nil {
		in = &wire.WatchInput{ID: b.id, Node: w.Node}
		inputs[w.Node] = in
	}
	in.Asks = append(in.Asks, wire.WatchAsk{Owner: w.Owner, StoredAt: storedAt, Repository: w.Repository,
		Branches: []string{w.Branch}})
	return &in.Asks[len(in.Asks)-1]
}

func (b *roundBuilder) find(w sdp.Watched) *wire.WatchAsk {
	same := func(a wire.WatchAsk) bool { return a.Owner == w.Owner && a.Repository == w.Repository }
	for _, inputs := range []map[string]*wire.WatchInput{b.first, b.rest} {
		if in := inputs[w.Node]; in != nil {
			if i := slices.IndexFunc(in.Asks, same); i >= 0 {
				return &in.Asks[i]
			}
		}
	}
	return nil
}

func (b *roundBuilder) build() wire.TrackRound {
	return wire.TrackRound{First: byNode(b.first), Rest: byNode(b.rest)}
}

func byNode(inputs map[string]*wire.WatchInput) []wire.WatchInput {
	var out []wire.WatchInput
	for _, in := range inputs {
		out = append(out, *in)
	}
	slices.SortFunc(out, func(a, b wire.WatchInput) int { return strings.Compare(a.Node, b.Node) })
	return out
}
