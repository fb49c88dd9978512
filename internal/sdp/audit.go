package sdp

import "time"

// AuditEvent says who did what to which sandbox, when, and how it ended. Refused and failed attempts are recorded too.
type AuditEvent struct {
	ID          int64
	At          time.Time
	User        string // "system" for the reconciler
	Action      string // "sandbox.create", "deployment.create", "route.set", "session.create", "reconcile", ...
	Sandbox     string
	Service     string
	Repository  string
	Branch      string
	SHA         string
	Environment string
	Operation   string // deployment or operation ID
	Outcome     Outcome
	Detail      string // why it was refused or failed; never a secret
	Once        string // of several events with the same one only the first is kept; "" = each is
}

// Outcome says how an audited action ended.
type Outcome string

const (
	Accepted      Outcome = "accepted" // a durable operation was started; its end is an event of its own
	Succeeded     Outcome = "succeeded"
	Refused       Outcome = "refused" // not started: invalid, forbidden or in conflict
	OutcomeFailed Outcome = "failed"
	Cancelled     Outcome = "cancelled"
)
