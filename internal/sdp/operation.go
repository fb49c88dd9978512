package sdp

import (
	"fmt"
	"strings"
	"time"
)

// OperationState is where an operation is.
type OperationState string

const (
	OpQueued    OperationState = "QUEUED"
	OpRunning   OperationState = "RUNNING"
	OpSucceeded OperationState = "SUCCEEDED"
	OpFailed    OperationState = "FAILED"
	OpCancelled OperationState = "CANCELLED"
)

// Operation is a change of a sandbox other than a deployment.
type Operation struct {
	ID          string
	Kind        OperationKind
	Sandbox     string
	Service     string  // "" where the whole sandbox is meant
	Source      Source  // for OpRoute
	URL         string  // for OpRoute with SourceURL
	Change      *Change // for the kinds that carry one out
	State       OperationState
	WaitingFor  string
	Failure     *Failure
	RequestedBy string
	CreatedAt   time.Time
	FinishedAt  time.Time
	// CancelRequestedAt is when somebody asked for it to be cancelled; it is cancelled only once State says so.
	CancelRequestedAt time.Time
	CancelRequestedBy string // "alice", or "alice, who drains node micro-1"
}

// Cancelling reports whether a cancel was accepted and is not confirmed yet.
func (o Operation) Cancelling() bool { return !o.CancelRequestedAt.IsZero() && !o.State.Settled() }

// Cancellable reports whether a cancel would be accepted now.
func (o Operation) Cancellable() bool { return o.Kind.Rules().CancellableIn(o.State) }

// Ref is the operation for whoever carries it out.
func (o Operation) Ref() OperationRef {
	return OperationRef{ID: o.ID, Kind: o.Kind, Sandbox: o.Sandbox, Service: o.Service, User: o.RequestedBy}
}

// Title says what was asked for: "Restart account in box".
func (o Operation) Title() string {
	if o.Service == "" {
		return o.Kind.Rules().Order + " " + o.Sandbox
	}
	return o.Kind.Rules().Order + " " + o.Service + " in " + o.Sandbox
}

// Doing says, within the sandbox, what is being done: "Restarting account".
func (o Operation) Doing() string { return strings.TrimSpace(o.Kind.Rules().Doing + " " + o.Service) }

// Done says, within the sandbox, what was done: "account restarted".
func (o Operation) Done() string {
	done := o.Kind.Rules().Done
	switch o.Source {
	case SourceSandbox:
		return o.Service + ": " + done + " to the sandbox"
	case SourceOCP:
		return o.Service + ": " + done + " to OCP"
	case SourceURL:
		return o.Service + ": " + done + " to " + o.URL
	}
	return strings.TrimSpace(o.Service + " " + done)
}

// Waits says, for people, what the operation waits for; "" = for nobody.
func (o Operation) Waits() string {
	switch {
	case !o.Cancelling():
		return o.WaitingFor
	case o.State == OpQueued:
		return "the cancel to take effect; nothing of it has begun"
	case o.Kind.Changes():
		return "its parts to end, each of which says what it waits for"
	}
	return "its node to confirm that nothing of it runs any more"
}

// OperationRef is what a sandbox's entity workflow needs to know of an operation.
type OperationRef struct {
	ID      string        `json:"id"`
	Kind    OperationKind `json:"kind"`
	Sandbox string        `json:"sandbox"`
	Service string        `json:"service"`
	User    string        `json:"user"`
	// Seq is a deployment's place in the order of acceptance; 0 = not known, and then the order of arrival counts.
	Seq int64 `json:"seq,omitempty"`
	// Hold is set for a deployment that is a part of an atomic change: once healthy it waits for the change's word.
	Hold bool `json:"hold"`
	// Node is where a deployment is to run, as far as that is known when its workflow is started; "" = it is not.
	Node string `json:"node,omitempty"`
	// Shape says how its workflow does what those of older builds did otherwise (wire.Shape); 0 = as it says with patches.
	Shape int `json:"shape,omitempty"`
}

// TryAgain says what to do about an operation whose workflow is gone: a sandbox that it was making is in the way of the next.
func (r OperationRef) TryAgain() string {
	if r.Kind == OpClone || r.Kind == OpCreate {
		return fmt.Sprintf("`sdp sandbox delete %s` removes what there is of it; then try again", r.Sandbox)
	}
	return fmt.Sprintf("try again; `sdp sandbox show %s` shows what there is now", r.Sandbox)
}

// SealedBox is a secret only one node can open, and only for one operation: HPKE ciphertext bound to both.
type SealedBox struct {
	Node       string    `json:"node"`
	KeyID      string    `json:"keyID"`
	Operation  string    `json:"operation"`
	ExpiresAt  time.Time `json:"expiresAt"`
	Ciphertext []byte    `json:"ciphertext"` // encapsulated key, then ciphertext
}

// Empty reports whether there is nothing in the box.
func (b SealedBox) Empty() bool { return len(b.Ciphertext) == 0 }
