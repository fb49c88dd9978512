package control

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// sealForLook is how long a node may use credentials sealed for one look at branches.
const sealForLook = 15 * time.Minute

// look is what is asked in one look at all watched branches.
type look struct {
	id    string
	first questions // one for each owner
	rest  questions
}

// questions are those of each node, ordered by their key and without the credentials.
type questions map[string][]*wire.WatchAsk

func (q questions) nodes() []string { return slices.Sorted(maps.Keys(q)) }

// page is the next questions of a node after one with that key.
func (q questions) page(node, after string) (page []*wire.WatchAsk, last bool) {
	from, found := slices.BinarySearchFunc(q[node], after, func(a *wire.WatchAsk, key string) int { return strings.Compare(a.Key(), key) })
	if found {
		from++
	}
	page = q[node][from:]
	return page[:min(len(page), wire.MaxWatchAsks)], len(page) <= wire.MaxWatchAsks
}

// PlanLook begins a look at all watched branches and says which nodes have questions for git servers. Services whose owner has
// stored no credentials, or none that work, are not asked for.
func (c *Control) PlanLook(ctx context.Context, call *Call, id string) (wire.Look, error) {
	if err := c.permit(call, sdp.LookTracking, Object{}); err != nil {
		return wire.Look{}, err
	}
	began := c.now()
	ticket, err := c.keys.Seal(sdp.SecretPurpose, began.UTC().AppendFormat(nil, time.RFC3339Nano), sdp.LookContext(id))
	if err != nil {
		return wire.Look{}, err
	}
	l, _, err := c.buildLook(ctx, id, began)
	if err != nil {
		return wire.Look{}, err
	}
	c.looks.keep(l)
	return wire.Look{ID: id, Ticket: ticket, First: l.first.nodes(), Rest: l.rest.nodes()}, nil
}

// BeginTracking is PlanLook for a look that began when all questions went through Temporal. Credentials are sealed to the nodes
// for the operation id.
func (c *Control) BeginTracking(ctx context.Context, call *Call, id string) (wire.TrackRound, error) {
	if err := c.permit(call, sdp.LookTracking, Object{}); err != nil {
		return wire.TrackRound{}, err
	}
	l, stored, err := c.buildLook(ctx, id, c.now())
	if err != nil {
		return wire.TrackRound{}, err
	}
	nodes, err := c.nodes(ctx)
	if err != nil {
		return wire.TrackRound{}, err
	}
	sealed := func(q questions) (inputs []wire.WatchInput, err error) {
		for _, node := range q.nodes() {
			asks, err := c.sealAsks(nodes[node], id, q[node], stored)
			if err != nil {
				return nil, err
			}
			inputs = append(inputs, wire.WatchInput{ID: id, Node: node, Asks: asks})
		}
		return inputs, nil
	}
	first, err := sealed(l.first)
	if err != nil {
		return wire.TrackRound{}, err
	}
	rest, err := sealed(l.rest)
	return wire.TrackRound{First: first, Rest: rest}, err
}

// buildLook says what to ask in a look that began then. Credentials stored later wait for the next one: nobody has tried them.
func (c *Control) buildLook(ctx context.Context, id string, began time.Time) (*look, map[string]openCredential, error) {
	watched, err := c.db.Watched(ctx)
	if err != nil {
		return nil, nil, err
	}
	watched = slices.DeleteFunc(watched, func(w sdp.Watched) bool { return !w.Credential.Usable() || w.Credential.StoredAt.After(began) })
	slices.SortStableFunc(watched, func(a, b sdp.Watched) int {
		return cmp.Or(strings.Compare(a.Owner, b.Owner), strings.Compare(a.Node, b.Node), strings.Compare(a.Repository, b.Repository))
	})
	nodes, err := c.nodes(ctx)
	if err != nil {
		return nil, nil, err
	}
	stored, err := c.storedCredentials(ctx, owners(watched))
	if err != nil {
		return nil, nil, err
	}
	l := &look{id: id, first: questions{}, rest: questions{}}
	var last *wire.WatchAsk
	for _, w := range watched {
		if stored[w.Owner].plain == nil {
			continue
		}
		if why := c.unfit(nodes[w.Node], w.Node); why != "" {
			if err := c.noteProblem(ctx, w, why); err != nil {
				return nil, nil, err
			}
			continue
		}
		last = l.ask(last, w, stored[w.Owner].storedAt)
	}
	return l, stored, nil
}

// ask adds a question, unless the last one is of the same repository for the same owner, and returns the one that it is.
func (l *look) ask(last *wire.WatchAsk, w sdp.Watched, storedAt time.Time) *wire.WatchAsk {
	if last != nil && last.Owner == w.Owner && last.Repository == w.Repository {
		if !slices.Contains(last.Branches, w.Branch) {
			last.Branches = append(last.Branches, w.Branch)
		}
		return last
	}
	of := l.rest
	if last == nil || last.Owner != w.Owner {
		of = l.first
	}
	next := &wire.WatchAsk{Owner: w.Owner, StoredAt: storedAt, Repository: w.Repository, Branches: []string{w.Branch}}
	of[w.Node] = append(of[w.Node], next)
	return next
}

func owners(watched []sdp.Watched) []string {
	all := make([]string, len(watched))
	for i, w := range watched {
		all[i] = w.Owner
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sealAsks returns the questions with the owners' credentials for a node, without those of owners who have none, or others, now.
func (c *Control) sealAsks(node sdp.Node, id string, asks []*wire.WatchAsk, stored map[string]openCredential) ([]wire.WatchAsk, error) {
	out := make([]wire.WatchAsk, 0, len(asks))
	for _, ask := range asks {
		credential := stored[ask.Owner]
		if credential.plain == nil || !credential.storedAt.Equal(ask.StoredAt) {
			continue
		}
		box, err := c.sealed(node, id, sealForLook, credential.plain)
		if err != nil {
			return nil, err
		}
		sealed := *ask
		sealed.Credentials = box
		out = append(out, sealed)
	}
	return out, nil
}

// looks keeps the last look, because each node asks for its part of it.
type looks struct {
	mu   sync.Mutex
	last *look
}

func (l *looks) keep(last *look) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = last
}

// look returns the look that a ticket is of. If another server began it, or this one was started anew, it is put together once
// more.
func (c *Control) look(ctx context.Context, in wire.LookInput) (*look, error) {
	raw, err := c.keys.Open(sdp.SecretPurpose, in.Ticket, sdp.LookContext(in.ID))
	if err != nil {
		return nil, sdp.Errorf(sdp.Forbidden, "no-look", "the server began no look at the branches %s", sdp.Printable(in.ID, 60))
	}
	began, err := time.Parse(time.RFC3339Nano, string(raw))
	if err != nil {
		return nil, err
	}
	if c.now().Sub(began) > sealForLook {
		return nil, sdp.Errorf(sdp.Conflict, "no-look", "the look at the branches %s is over", sdp.Printable(in.ID, 60))
	}
	c.looks.mu.Lock()
	defer c.looks.mu.Unlock()
	if c.looks.last == nil || c.looks.last.id != in.ID {
		l, _, err := c.buildLook(ctx, in.ID, began)
		if err != nil {
			return nil, err
		}
		c.looks.last = l
	}
	return c.looks.last, nil
}

func (l *look) questions(in wire.LookInput) questions {
	if in.Rest {
		return l.rest
	}
	return l.first
}

// Asks returns a page of a node's questions. Owners whose credentials were refused meanwhile are left out.
func (c *Control) Asks(ctx context.Context, call *Call, in wire.AsksRequest) (wire.AsksPage, error) {
	if err := c.permit(call, sdp.LookTracking, Object{}); err != nil {
		return wire.AsksPage{}, err
	}
	l, err := c.look(ctx, in.LookInput)
	if err != nil {
		return wire.AsksPage{}, err
	}
	asks, last := l.questions(in.LookInput).page(in.Node, in.After)
	if len(asks) == 0 {
		return wire.AsksPage{}, nil
	}
	node, err := c.db.Node(ctx, in.Node)
	if err != nil {
		return wire.AsksPage{}, err
	}
	var users []string
	for _, ask := range asks {
		users = append(users, ask.Owner)
	}
	stored, err := c.storedCredentials(ctx, slices.Compact(users))
	if err != nil {
		return wire.AsksPage{}, err
	}
	page := wire.AsksPage{}
	if !last {
		page.Next = asks[len(asks)-1].Key()
	}
	page.Asks, err = c.sealAsks(node, in.ID, asks, stored)
	return page, err
}

// TakeAnswers does what git servers' answers to a node ask for, as far as they are about repositories of that node. It can be
// repeated.
func (c *Control) TakeAnswers(ctx context.Context, call *Call, in wire.AnswersReport) error {
	if err := c.permit(call, sdp.LookTracking, Object{}); err != nil {
		return err
	}
	if _, err := c.look(ctx, in.LookInput); err != nil {
		return err
	}
	watched, err := c.db.WatchedOn(ctx, in.Node)
	if err != nil {
		return err
	}
	asked := map[string]bool{}
	for _, w := range watched {
		asked[wire.WatchAsk{Owner: w.Owner, Repository: w.Repository}.Key()] = true
	}
	return c.takeAnswers(ctx, watched, slices.DeleteFunc(in.Answers, func(a wire.WatchAnswer) bool { return !asked[a.Key()] }))
}

// MissLook notes why a node did not ask its questions.
func (c *Control) MissLook(ctx context.Context, call *Call, in wire.MissedLook) error {
	if err := c.permit(call, sdp.LookTracking, Object{}); err != nil {
		return err
	}
	l, err := c.look(ctx, in.LookInput)
	if err != nil {
		return err
	}
	var answers []wire.WatchAnswer
	for _, ask := range l.questions(in.LookInput)[in.Node] {
		answers = append(answers, ask.Failed(in.Failure))
	}
	return c.TakeAnswers(ctx, call, wire.AnswersReport{LookInput: in.LookInput, Answers: answers})
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
	case n.Cordoned.By != "":
		return "node " + name + " is " + describeCordon(n)
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

// storedCredentials decrypts the credentials of owners, without those that were refused. Those that cannot be decrypted, because
// their key is gone, are marked.
func (c *Control) storedCredentials(ctx context.Context, owners []string) (map[string]openCredential, error) {
	stored, err := c.db.Credentials(ctx, owners...)
	if err != nil {
		return nil, err
	}
	open := map[string]openCredential{}
	for owner, s := range stored {
		if !s.Usable() {
			continue
		}
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
