package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"sdp/activities"
	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// askLimit bounds each step of a run that somebody waits for.
const askLimit = 20 * time.Second

// Login has a node prove credentials against a repository. What it answers is checked by whoever asked: only the node and
// the server can make such a proof.
func Login(ctx workflow.Context, in wire.LoginInput) (proof string, err error) {
	err = ask(ctx, in.Node, host.VerifyLogin, in, &proof)
	return proof, err
}

// Branches has the node that owns a repository list its branches. No branches are an answer, too.
func Branches(ctx workflow.Context, in wire.BranchesInput) ([]sdp.Branch, error) {
	var out []sdp.Branch
	err := ask(ctx, in.Node, host.Branches, in, &out)
	return append([]sdp.Branch{}, out...), err
}

// Trace sends a tagged request from the gateway node and then collects what each node's router saw of it. A node that
// does not answer is named in the result.
func Trace(ctx workflow.Context, in wire.TraceInput) (wire.Trace, error) {
	var out wire.Trace
	if err := ask(ctx, in.Node, host.SendTrace, in, &out); err != nil {
		return out, err
	}
	futures := make([]workflow.Future, len(in.Nodes))
	for i, node := range in.Nodes {
		futures[i] = begin(onNode(ctx, node, askLimit), host.Hops, wire.HopsInput{ID: in.ID})
	}
	for i, node := range in.Nodes {
		var hops []wire.Hop
		if err := futures[i].Get(ctx, &hops); err != nil {
			out.Missing = append(out.Missing, node)
			continue
		}
		out.Hops = append(out.Hops, hops...)
	}
	out.Hops = activities.SortHops(out.Hops)
	return out, nil
}

func ask(ctx workflow.Context, node string, activity, in, out any) error {
	ctx = onNode(ctx, node, askLimit)
	if err := begin(ctx, activity, in).Get(ctx, out); err != nil {
		return failure.Workflow(failureOf(ctx, "", node, err))
	}
	return nil
}
