package control

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// StoreCredential keeps the credentials of a person's session, so that branches can be watched when it has ended.
func (c *Control) StoreCredential(ctx context.Context, call *Call) (sdp.TrackingCredential, error) {
	if err := c.permit(call, sdp.AuditTrackingCredentialStore, Object{}); err != nil {
		return sdp.TrackingCredential{}, err
	}
	plain, err := call.credentials()
	if err != nil {
		return sdp.TrackingCredential{}, err
	}
	sealed, err := c.keys.Seal(sdp.SecretPurpose, plain, sdp.TrackingContext(call.User))
	if err != nil {
		return sdp.TrackingCredential{}, err
	}
	return c.db.StoreCredential(ctx, call.User, sealed)
}

// ForgetCredential deletes what StoreCredential stored.
func (c *Control) ForgetCredential(ctx context.Context, call *Call) error {
	if err := c.permit(call, sdp.AuditTrackingCredentialDelete, Object{}); err != nil {
		return err
	}
	return c.db.ForgetCredential(ctx, call.User)
}

// Track says whether a service follows its branch.
func (c *Control) Track(ctx context.Context, call *Call, sandbox, service string, on bool) error {
	if err := c.permit(call, sdp.AuditServiceTrack, Object{Sandbox: sandbox, Service: service}); err != nil {
		return err
	}
	_, found, err := c.service(ctx, sandbox, service)
	if err != nil {
		return err
	}
	call.Event.Branch = found.Branch
	call.Event.Detail = map[bool]string{true: "follows its branch", false: "does not follow its branch"}[on]
	return c.db.SetTrack(ctx, sandbox, service, on)
}

// FinishTracking ends a look that BeginTracking began. It can be repeated.
func (c *Control) FinishTracking(ctx context.Context, call *Call, answers []wire.WatchAnswer) error {
	if err := c.permit(call, sdp.LookTracking, Object{}); err != nil {
		return err
	}
	watched, err := c.db.Watched(ctx)
	if err != nil {
		return err
	}
	return c.takeAnswers(ctx, watched, answers)
}

// takeAnswers compares what git servers said with what is deployed: a tracked service whose branch moved is deployed, a branch
// that is gone is marked, credentials that were refused are put aside.
func (c *Control) takeAnswers(ctx context.Context, watched []sdp.Watched, answers []wire.WatchAnswer) error {
	if err := c.judgeCredentials(ctx, answers); err != nil {
		return err
	}
	refused, of := map[string]bool{}, map[string]wire.WatchAnswer{}
	for _, a := range answers {
		of[a.Key()] = a
		refused[a.Owner] = refused[a.Owner] || a.Refused()
	}
	nodes, err := c.nodes(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, w := range watched {
		a, asked := of[wire.WatchAsk{Owner: w.Owner, Repository: w.Repository}.Key()]
		if asked && w.Credential.Usable() && !refused[w.Owner] {
			errs = append(errs, c.follow(ctx, w, a, nodes[w.Node]))
		}
	}
	return errors.Join(errs...)
}

func (c *Control) judgeCredentials(ctx context.Context, answers []wire.WatchAnswer) error {
	var accepted []string
	for _, a := range answers {
		switch {
		case a.Refused():
			if err := c.db.RefuseCredential(ctx, a.Owner, a.StoredAt, a.Failure.Detail); err != nil {
				return err
			}
		case a.Failure == nil && !slices.Contains(accepted, a.Owner):
			accepted = append(accepted, a.Owner)
		}
	}
	if len(accepted) == 0 {
		return nil
	}
	return c.db.AcceptCredentials(ctx, accepted)
}

// follow does what an answer asks for. A branch that was not asked for, because it was changed meanwhile, waits for the
// next look.
func (c *Control) follow(ctx context.Context, w sdp.Watched, a wire.WatchAnswer, node sdp.Node) error {
	if a.Failure != nil {
		return c.noteProblem(ctx, w, a.Failure.Detail)
	}
	head, asked := a.Heads[w.Branch]
	if !asked {
		return nil
	}
	if gone := head == ""; gone != !w.BranchGone.IsZero() {
		if err := c.db.MarkBranch(ctx, w.Sandbox, w.Service, w.Branch, gone); err != nil || gone {
			return err
		}
	}
	if head == "" || !w.Moved(head) {
		return c.noteProblem(ctx, w, "")
	}
	if why := c.unfit(node, w.Node); why != "" {
		return c.noteProblem(ctx, w, why)
	}
	return c.deployWatched(ctx, w, head)
}

// deployWatched deploys what a branch is at now in the name of its sandbox's owner. What a person must put right is noted;
// what passes by itself is returned, so that all is tried again.
func (c *Control) deployWatched(ctx context.Context, w sdp.Watched, head string) error {
	stored, err := c.storedCredentials(ctx, []string{w.Owner})
	if err != nil || stored[w.Owner].plain == nil {
		return err
	}
	why := fmt.Sprintf("tracking: %s moved from %s to %s; fetched with the credentials %s stored", w.Branch, orNothing(w.Serving),
		sdp.ShortSHA(head), w.Owner)
	err = c.DeployMoved(ctx, &Call{Actor: InNameOf(w.Owner, stored[w.Owner].plain, why)}, w, head)
	switch kind := sdp.KindOf(err); {
	case kind == sdp.Unavailable || kind == sdp.Internal:
		return err
	case err != nil:
		return c.noteProblem(ctx, w, sdp.AsError(err).Detail)
	}
	return c.noteProblem(ctx, w, "")
}

// DeployMoved deploys the commit a watched branch is at now. It does nothing if that was tried meanwhile, or is not wanted
// any more: it can be repeated.
func (c *Control) DeployMoved(ctx context.Context, call *Call, w sdp.Watched, head string) error {
	if err := c.permit(call, sdp.AuditDeploymentCreate, Object{Sandbox: w.Sandbox, Service: w.Service}); err != nil {
		return err
	}
	node, err := c.db.Node(ctx, w.Node)
	if err != nil {
		return err
	}
	moved := ask{service: w.Service, branch: w.Branch, commit: head, repository: sdp.Repository{Name: w.Repository}}
	d, err := c.newDeployment(call, node, w.Sandbox, "", moved, variables{})
	if err != nil {
		return err
	}
	created, err := c.db.DeployMoved(ctx, d, call.Why)
	if err != nil {
		return err
	}
	c.submit(ctx, mapped(created, deploymentRef))
	return nil
}

func orNothing(sha string) string {
	if sha == "" {
		return "nothing"
	}
	return sdp.ShortSHA(sha)
}
