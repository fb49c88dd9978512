package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// change is something that workflows do otherwise than those of an older build did. A run does it from the shape on that it
// was started with, which costs no events. Runs that were started without a shape say so with a patch, where the change is
// from that time: a marker in their histories, and a search attribute.
type change struct {
	shape int
	patch string // "" = runs without a shape never do it
}

// All changes there are. A new one has the next shape, which becomes wire.Shape, and a patch only if runs without a shape must
// do it, too.
var (
	freshTable     = change{1, "fresh-table"}      // the start gets the routing table of then
	busyNode       = change{1, "busy-node"}        // a step that a living node does not take up is offered to it again
	absentNodes    = change{1, "absent-nodes"}     // what a node that is gone does not confirm holds nobody up
	lookByName     = change{1, "look-by-name"}     // nodes get their questions for git servers from the server
	continueAtRest = change{1, "continue-at-rest"} // a sandbox with a long history goes on starting operations
	liveState      = change{1, "live-state"}       // the state is a search attribute all the time and not only at the end
	honestCancel   = change{1, "honest-cancel"}    // nothing is called cancelled that nobody confirmed, and nothing discarded that serves
	settledRow     = change{1, "settled-row"}      // a deployment that others have settled ends, and leaves alone what serves
	fewEvents      = change{1, ""}                 // a step's first look into the database also says that it has begun
	keptLane       = change{2, "kept-lane"}        // what a terminated operation has started is waited for
	freeStop       = change{2, ""}                 // a stop needs no node that is away
	plainCancel    = change{2, ""}                 // what is cancelled while nodes are asked is cancelled, and has not failed
)

type shapeKey struct{}

// shaped has what ctx is given to do what runs of that shape do. A newer build's shape is not known here: the workflow task
// fails, for one that knows it to take it up.
func shaped(ctx workflow.Context, shape int) workflow.Context {
	if shape > wire.Shape {
		panic(fmt.Sprintf("a newer server started this run (shape %d, here %d is known); %s", shape, wire.Shape, sdp.SameVersion))
	}
	return workflow.WithValue(ctx, shapeKey{}, shape)
}

// in reports whether the run of ctx does what has changed.
func (c change) in(ctx workflow.Context) bool {
	if shape, _ := ctx.Value(shapeKey{}).(int); shape >= c.shape {
		return true
	}
	return c.patch != "" && workflow.GetVersion(ctx, c.patch, workflow.DefaultVersion, 1) != workflow.DefaultVersion
}
