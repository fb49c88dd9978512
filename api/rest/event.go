package rest

import (
	"time"

	"sdp/internal/sdp"
)

// AuditEvent says who did what, when, and how it ended.
type AuditEvent struct {
	ID          int64     `json:"id"`
	At          time.Time `json:"at"`
	User        string    `json:"user"`
	Action      string    `json:"action"`
	Sandbox     string    `json:"sandbox,omitempty"`
	Service     string    `json:"service,omitempty"`
	Repository  string    `json:"repository,omitempty"`
	Branch      string    `json:"branch,omitempty"`
	SHA         string    `json:"sha,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Operation   string    `json:"operation,omitempty"`
	Outcome     string    `json:"outcome" enum:"accepted,succeeded,refused,failed,cancelled"`
	Detail      string    `json:"detail,omitempty"`
}

// LifecycleEvent says what happened to a deployment, one of its steps, or another operation. Each happens once.
type LifecycleEvent struct {
	Seq        int64         `json:"seq" doc:"grows in the order in which events became known"`
	At         time.Time     `json:"at"`
	Type       sdp.EventType `json:"type" example:"FETCH_STARTED" doc:"a step (FETCH, CHECKOUT, BUILD, IMAGE, START, ROUTE) or a kind of operation (DEPLOY, RESTART, ...), and _STARTED, _COMPLETED, _FAILED or _CANCELLED"`
	Sandbox    string        `json:"sandbox"`
	Service    string        `json:"service,omitempty"`
	Deployment string        `json:"deployment,omitempty"`
	Operation  string        `json:"operation,omitempty" doc:"its ID, or of which the deployment is a part"`
	User       string        `json:"user" doc:"who asked for it"`
	SHA        string        `json:"sha,omitempty"`
	Cached     bool          `json:"cached,omitempty" doc:"the step was skipped: its result was there already"`
	Code       string        `json:"code,omitempty" doc:"of the failure"`
}

// EventFrame is one message of the stream of events.
type EventFrame struct {
	Next  int64           `json:"next" doc:"after, to go on from here"`
	Event *LifecycleEvent `json:"event,omitempty" doc:"absent in the first frame, which says where the stream begins"`
}

// LogFrame is one message of a log stream over WebSocket. Offset is that of Data's first byte; a client that lost its
// connection resumes with ?offset= the offset after the last byte it has. The last frame has Final set and no data.
type LogFrame struct {
	Offset int64  `json:"offset"`
	Next   int64  `json:"next" doc:"offset after the last byte of data"`
	Data   string `json:"data,omitempty" doc:"UTF-8; invalid bytes replaced"`
	Final  bool   `json:"final,omitempty" doc:"the stream has ended at offset"`
}

// Event is one message of the event stream: something changed, ask the API what it is now. Topic "resync" means that
// events may have been missed.
type Event struct {
	Topic   string `json:"topic" example:"deployment/d-abcdefghij" doc:"deployment/<id>, sandbox/<name> (its routes, containers, health and operations too), environment/<name>, audit, nodes, resync, and, for who follows one sandbox, traffic/<name> every two seconds at most"`
	ID      string `json:"id,omitempty"`
	Sandbox string `json:"sandbox,omitempty"`
}

// FromAuditEvent is the view of an audit event.
func FromAuditEvent(e sdp.AuditEvent) AuditEvent {
	return AuditEvent{
		ID: e.ID, At: utc(e.At), User: e.User, Action: string(e.Action), Sandbox: e.Sandbox, Service: e.Service,
		Repository: e.Repository, Branch: e.Branch, SHA: e.SHA, Environment: e.Environment, Operation: e.Operation,
		Outcome: string(e.Outcome), Detail: e.Detail,
	}
}

// FromEvent is the view of what happened to a deployment or an operation.
func FromEvent(e sdp.Event) LifecycleEvent {
	return LifecycleEvent{Seq: e.Seq, At: utc(e.At), Type: e.Type, Sandbox: e.Sandbox, Service: e.Service,
		Deployment: e.Deployment, Operation: e.Operation, User: e.User, SHA: e.SHA, Cached: e.Cached, Code: e.Code}
}
