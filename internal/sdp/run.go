package sdp

// Run is what Temporal knows of a workflow.
type Run struct {
	State RunState
	// Ended says how a closed one did, in Temporal's word: "terminated", "failed", "completed".
	Ended string
	// Attempts is how often the task that carries an open one on was begun since it last succeeded; 0 = none is due.
	Attempts int
}

// RunState says whether a workflow goes on.
type RunState string

const (
	RunOpen    RunState = "open"
	RunClosed  RunState = "closed"
	RunMissing RunState = "missing" // it never began, or Temporal has no record of it any more
)

// blockedAttempts is how many attempts in a row show that a workflow is blocked: Temporal repeats the task that carries it on
// for ever, with pauses of up to ten minutes. The first few may be a worker that ended.
const blockedAttempts = 6

// Blocked reports whether the workflow does not get on: its task fails again and again.
func (r Run) Blocked() bool { return r.State == RunOpen && r.Attempts >= blockedAttempts }
