package activities

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// FinishTracking compares what git servers said with what is deployed: a tracked service whose branch moved is deployed,
// a branch that is gone is marked, credentials that were refused are put aside. It can be repeated.
func (c *Control) FinishTracking(ctx context.Context, answers []WatchAnswer) error {
	if err := c.judgeCredentials(ctx, answers); err != nil {
		return fail(err)
	}
	watched, err := c.DB.Watched(ctx)
	if err != nil {
		return fail(err)
	}
	nodes, err := c.nodes(ctx)
	if err != nil {
		return fail(err)
	}
	var errs []error
	for _, w := range watched {
		i := slices.IndexFunc(answers, func(a WatchAnswer) bool { return a.Owner == w.Owner && a.Repository == w.Repository })
		if i >= 0 && w.Credential.Usable() {
			errs = append(errs, c.follow(ctx, w, answers[i], nodes[w.Node]))
		}
	}
	return fail(errors.Join(errs...))
}

func (c *Control) judgeCredentials(ctx context.Context, answers []WatchAnswer) error {
	var accepted []string
	for _, a := range answers {
		switch {
		case a.Refused():
			if err := c.DB.RefuseCredential(ctx, a.Owner, a.StoredAt, a.Failure.Detail); err != nil {
				return err
			}
		case a.Failure == nil && !slices.Contains(accepted, a.Owner):
			accepted = append(accepted, a.Owner)
		}
	}
	if len(accepted) == 0 {
		return nil
	}
	return c.DB.AcceptCredentials(ctx, accepted)
}

// follow does what an answer asks for. A branch that was not asked for, because it was changed meanwhile, waits for the
// next look.
func (c *Control) follow(ctx context.Context, w sdp.Watched, a WatchAnswer, node sdp.Node) error {
	if a.Failure != nil {
		return c.noteProblem(ctx, w, a.Failure.Detail)
	}
	head, asked := a.Heads[w.Branch]
	if !asked {
		return nil
	}
	if gone := head == ""; gone != !w.BranchGone.IsZero() {
		if err := c.DB.MarkBranch(ctx, w.Sandbox, w.Service, w.Branch, gone); err != nil || gone {
			return err
		}
	}
	if head == "" || !w.Moved(head) {
		return c.noteProblem(ctx, w, "")
	}
	if why := unfit(node, w.Node); why != "" {
		return c.noteProblem(ctx, w, why)
	}
	return c.deployMoved(ctx, w, head, node)
}

// deployMoved deploys the commit a branch is at now. What a person must put right is noted; what passes by itself is
// returned, so that all is tried again.
func (c *Control) deployMoved(ctx context.Context, w sdp.Watched, head string, node sdp.Node) error {
	stored, err := c.storedCredentials(ctx, []sdp.Watched{w})
	if err != nil || stored[w.Owner].plain == nil {
		return err
	}
	d := postgres.NewDeployment{Deployment: sdp.Deployment{ID: sdp.NewID("d-"), Sandbox: w.Sandbox, Service: w.Service,
		Repository: w.Repository, Branch: w.Branch, SHA: head, RequestedBy: w.Owner}}
	if d.Credentials, err = sealTo(node, d.ID, boxLifetime, stored[w.Owner].plain); err != nil {
		return err
	}
	why := fmt.Sprintf("tracking: %s moved from %s to %s; fetched with the credentials %s stored", w.Branch, orNothing(w.Serving),
		sdp.ShortSHA(head), w.Owner)
	created, err := c.DB.DeployMoved(ctx, d, why)
	switch kind := sdp.KindOf(err); {
	case kind == sdp.Unavailable || kind == sdp.Internal:
		return err
	case err != nil:
		return c.noteProblem(ctx, w, sdp.AsError(err).Detail)
	case created:
		c.submit(ctx, sdp.OperationRef{ID: d.ID, Kind: sdp.OpDeploy, Sandbox: w.Sandbox, Service: w.Service, User: w.Owner})
	}
	return c.noteProblem(ctx, w, "")
}

func orNothing(sha string) string {
	if sha == "" {
		return "nothing"
	}
	return sdp.ShortSHA(sha)
}

// submit hands a row that was just written to its sandbox's workflow. If that fails the server's reconciler does it.
func (c *Control) submit(ctx context.Context, ref sdp.OperationRef) {
	if c.Submit == nil {
		return
	}
	err := c.Submit(ctx, ref)
	if err == nil {
		err = c.DB.MarkSubmitted(ctx, ref.ID)
	}
	if err != nil {
		slog.WarnContext(ctx, "Deployment was not submitted yet", "operation", ref.ID, "sandbox", ref.Sandbox, "error", err)
	}
}
