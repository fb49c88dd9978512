package rest

import (
	"net/url"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// Operation is a change of a sandbox other than a deployment.
type Operation struct {
	ID                string             `json:"id"`
	Kind              sdp.OperationKind  `json:"kind"`
	Title             string             `json:"title" doc:"what was asked for, for people: Restart account in box"`
	Doing             string             `json:"doing" doc:"what is being done, within its sandbox: Restarting account"`
	Done              string             `json:"done" doc:"what was done, within its sandbox: account restarted"`
	Parts             bool               `json:"parts" doc:"it changes many services and has deployments and operations of its own"`
	Sandbox           string             `json:"sandbox"`
	Service           string             `json:"service,omitempty"`
	Source            string             `json:"source,omitempty"`
	URL               string             `json:"url,omitempty"`
	State             sdp.OperationState `json:"state"`
	Settled           bool               `json:"settled" doc:"nothing more happens to it"`
	Cancellable       bool               `json:"cancellable" doc:"a cancel would be accepted now"`
	WaitingFor        string             `json:"waitingFor,omitempty" doc:"while QUEUED: what it waits behind; while it is cancelled: who must confirm that"`
	Cancelling        bool               `json:"cancelling,omitempty" doc:"a cancel was accepted and is not confirmed yet"`
	CancelRequestedAt time.Time          `json:"cancelRequestedAt,omitzero" doc:"when somebody asked for it to be cancelled"`
	TemporalURL       string             `json:"temporalURL,omitempty" doc:"its run in the Temporal Web UI; absent where there is none"`
	Failure           *Failure           `json:"failure,omitempty"`
	RequestedBy       string             `json:"requestedBy"`
	CreatedAt         time.Time          `json:"createdAt"`
	FinishedAt        time.Time          `json:"finishedAt,omitzero"`
}

// FromOperation is the view of an operation.
func FromOperation(o sdp.Operation, runs Runs) Operation {
	return Operation{
		ID: o.ID, Kind: o.Kind, Sandbox: o.Sandbox, Service: o.Service, Source: string(o.Source), URL: o.URL,
		Title: o.Title(), Doing: o.Doing(), Done: o.Done(), Parts: o.Kind.Changes(),
		State: o.State, Settled: o.State.Settled(), Cancellable: o.Cancellable(), WaitingFor: o.Waits(),
		Failure: fromFailure(o.Failure), RequestedBy: o.RequestedBy, CreatedAt: utc(o.CreatedAt), FinishedAt: utc(o.FinishedAt),
		Cancelling: o.Cancelling(), CancelRequestedAt: utc(o.CancelRequestedAt), TemporalURL: runs.URL(o.Kind, o.ID),
	}
}

// Runs says where people see the runs of operations: in the Temporal Web UI.
type Runs struct {
	UI        string // URL of the Temporal Web UI; "" = there is none
	Namespace string
}

// URL is where an operation's run is shown, "" without a Web UI.
func (r Runs) URL(kind sdp.OperationKind, id string) string {
	if r.UI == "" {
		return ""
	}
	return strings.TrimRight(r.UI, "/") + "/namespaces/" + url.PathEscape(r.Namespace) +
		"/workflows/" + url.PathEscape(sdp.OperationWorkflowID(kind, id))
}
