package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"sdp/internal/wire"
)

// watchLimit bounds one node's questions to git servers.
const watchLimit = 10 * time.Minute

// Track looks at the branches of all services once: what is tracked and has moved is deployed, what is gone is marked.
// Each owner's credentials are tried on one repository first; where the git server refuses them no other is asked. Nodes get
// their questions from the server and give it the answers: the history has the nodes' names only.
func Track(ctx workflow.Context) error {
	if !lookByName.in(ctx) {
		return trackByValue(ctx)
	}
	var look wire.Look
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	if err := workflow.ExecuteLocalActivity(database(ctx), control.PlanLook, id).Get(ctx, &look); err != nil {
		return err
	}
	if err := lookOn(ctx, look, look.First, false); err != nil {
		return err
	}
	return lookOn(ctx, look, look.Rest, true)
}

// lookOn has nodes ask their questions, all at once. Those of a node that does not are noted as failed; the others go on.
func lookOn(ctx workflow.Context, look wire.Look, nodes []string, rest bool) error {
	inputs, asked := make([]wire.LookInput, len(nodes)), make([]workflow.Future, len(nodes))
	for i, node := range nodes {
		inputs[i] = wire.LookInput{ID: look.ID, Ticket: look.Ticket, Node: node, Rest: rest}
		asked[i] = begin(atWork(ctx, node, watchLimit), host.Look, inputs[i])
	}
	for i, in := range inputs {
		err := confirmed(ctx, asked[i])
		if err == nil {
			continue
		}
		missed := wire.MissedLook{LookInput: in, Failure: failureOf(ctx, "", in.Node, err)}
		if err := confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.MissLook, missed)); err != nil {
			return err
		}
	}
	return nil
}

// trackByValue is Track for a look whose questions and answers went through Temporal.
func trackByValue(ctx workflow.Context) error {
	var round wire.TrackRound
	id := workflow.GetInfo(ctx).WorkflowExecution.ID
	if err := workflow.ExecuteLocalActivity(database(ctx), control.BeginTracking, id).Get(ctx, &round); err != nil {
		return err
	}
	if len(round.First) == 0 {
		return nil
	}
	answers := watch(ctx, round.First)
	answers = append(answers, watch(ctx, without(round.Rest, refused(answers)))...)
	return confirmed(ctx, workflow.ExecuteLocalActivity(database(ctx), control.FinishTracking, answers))
}

// watch asks all nodes at once. A node that does not answer fails its own questions only.
func watch(ctx workflow.Context, inputs []wire.WatchInput) []wire.WatchAnswer {
	futures := make([]workflow.Future, len(inputs))
	for i, in := range inputs {
		futures[i] = begin(atWork(ctx, in.Node, watchLimit), host.Watch, in)
	}
	var all []wire.WatchAnswer
	for i, in := range inputs {
		var answers []wire.WatchAnswer
		if err := futures[i].Get(ctx, &answers); err != nil {
			failure := failureOf(ctx, "", in.Node, err)
			for _, ask := range in.Asks {
				all = append(all, ask.Failed(failure))
			}
		}
		all = append(all, answers...)
	}
	return all
}

func refused(answers []wire.WatchAnswer) []string {
	var owners []string
	for _, a := range answers {
		if a.Refused() {
			owners = append(owners, a.Owner)
		}
	}
	return owners
}

// without leaves out the questions of some owners.
func without(inputs []wire.WatchInput, owners []string) []wire.WatchInput {
	var out []wire.WatchInput
	for _, in := range inputs {
		in.Asks = slices.DeleteFunc(slices.Clone(in.Asks), func(a wire.WatchAsk) bool { return slices.Contains(owners, a.Owner) })
		if len(in.Asks) > 0 {
			out = append(out, in)
		}
	}
	return out
}
