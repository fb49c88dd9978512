package wire

import "sdp/internal/sdp"

// The names by which workflows are started. A definition has its function's name; the function must keep it.
const (
	SandboxWorkflow     = "Sandbox"
	LoginWorkflow       = "Login"
	BranchesWorkflow    = "Branches"
	TraceWorkflow       = "Trace"
	PreflightWorkflow   = "Preflight"
	ImagesWorkflow      = "Images"
	PruneImagesWorkflow = "PruneImages"
	TrackWorkflow       = "Track"
)

// The names of signals and queries. SubmitSignal takes an sdp.OperationRef, CancelSignal the ID of an operation's
// workflow; from servers of before, and for a change, it is the ID of an operation. "held" and "word" are what ready and decision were called when the recorded runs began.
const (
	SubmitSignal   = "submit"
	CancelSignal   = "cancel"
	ReadySignal    = "held" // takes Ready
	DecisionSignal = "word" // takes Decision
	ProgressQuery  = "progress"
	HeldQuery      = "operations" // answers the IDs of the operations that a sandbox's entity has, queued or running
)

// Search attributes by which runs are found in the Temporal UI. They are never encrypted, so they hold names only.
const (
	SandboxAttribute = "SdpSandbox"
	ServiceAttribute = "SdpService"
	NodeAttribute    = "SdpNode"
	UserAttribute    = "SdpUser"
)

// SandboxInput starts, or continues, a sandbox's entity workflow.
type SandboxInput struct {
	Sandbox string             `json:"sandbox"`
	Queue   []sdp.OperationRef `json:"queue"` // carried over by Continue-As-New
	// HistoryLimit is how many events a run may have before it goes on in a new one; 0 = as Temporal suggests. Tests set it.
	HistoryLimit int `json:"historyLimit,omitempty"`
	Shape        int `json:"shape,omitempty"` // see Shape
}

// Shape is what runs of workflows are started with today. It stands for all that they do which those of older builds did
// otherwise, so that they need no markers in their histories; workflows has the list.
const Shape = 2

// WaitingInput says what a queued deployment or operation waits behind.
type WaitingInput struct {
	Operation sdp.OperationRef `json:"operation"`
	Behind    string           `json:"behind"`
}

// SettleInput ends an operation that has no deployment, or one whose workflow ended without saying how.
type SettleInput struct {
	Operation sdp.OperationRef   `json:"operation"`
	State     sdp.OperationState `json:"state"`
	Failure   *sdp.Failure       `json:"failure"`
	// Late is set by whoever cannot know whether the operation's own workflow has written its end: that counts.
	Late bool `json:"late"`
}

// Done is what activities and workflows answer that have nothing else to say. It makes a difference between "it is
// done" and no answer: Temporal takes an answer without content for success, whoever gave it.
type Done struct{ said bool }

// doneText is no name, ID or other text that a payload of SDP may hold, so that none of them passes for Done.
const doneText = `"sdp:done/v1"`

// MarshalJSON says that it is done.
func (Done) MarshalJSON() ([]byte, error) { return []byte(doneText), nil }

// UnmarshalJSON reads what MarshalJSON writes. Everything else says that nobody confirmed anything.
func (d *Done) UnmarshalJSON(raw []byte) error {
	d.said = string(raw) == doneText
	return nil
}

// Err is an error unless somebody said that it is done.
func (d Done) Err() error {
	if d.said {
		return nil
	}
	return sdp.Errorf(sdp.Unavailable, "unconfirmed", "Temporal reports the end of a step, and nobody confirmed it").WithRemedy("%s", sdp.SameVersionOrForged)
}
