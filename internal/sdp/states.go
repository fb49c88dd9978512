package sdp

import (
	"maps"
	"slices"
)

// machine is a state machine: what may follow each state. Setting a state again is always allowed, because the activity
// that does it may be repeated. The database enforces the same (table state_transitions).
type machine[S ~string] map[S][]S

func (m machine[S]) allows(from, to S) bool { return from == to || slices.Contains(m[from], to) }

// before lists the states from which s may be reached, s included: the allowed states of a guarded UPDATE.
func (m machine[S]) before(s S) []S {
	return slices.DeleteFunc(m.states(), func(from S) bool { return !m.allows(from, s) })
}

func (m machine[S]) states() []S { return slices.Sorted(maps.Keys(m)) }

func (m machine[S]) transitions() []Transition {
	var all []Transition
	for _, from := range m.states() {
		for _, to := range m[from] {
			all = append(all, Transition{string(from), string(to)})
		}
	}
	return all
}

// Transition is an allowed change of a state.
type Transition struct{ From, To string }

// Transitions lists what may follow what, by the table of the database that holds the states.
func Transitions() map[string][]Transition {
	return map[string][]Transition{
		"deployments": deploymentStates.transitions(),
		"operations":  operationStates.transitions(),
		"containers":  containerStates.transitions(),
		"sandboxes":   sandboxStates.transitions(),
	}
}

// Steps whose result is cached are skipped, so any later state of the pipeline may follow an earlier one.
var deploymentStates = machine[DeploymentState]{
	Queued:            {Fetching, Checkout, Building, CreatingImage, StartingContainer, Running, DeployFailed, DeployCancelled},
	Fetching:          {Checkout, Building, CreatingImage, StartingContainer, Running, DeployFailed, DeployCancelled},
	Checkout:          {Building, CreatingImage, StartingContainer, Running, DeployFailed, DeployCancelled},
	Building:          {CreatingImage, StartingContainer, Running, DeployFailed, DeployCancelled},
	CreatingImage:     {StartingContainer, Running, DeployFailed, DeployCancelled},
	StartingContainer: {Running, DeployFailed, DeployCancelled},
	Running:           {DeployStopped},
	DeployFailed:      {},
	DeployStopped:     {},
	DeployCancelled:   {},
}

// An operation that is over in a moment may end without ever having been seen to run.
var operationStates = machine[OperationState]{
	OpQueued:    {OpRunning, OpSucceeded, OpFailed, OpCancelled},
	OpRunning:   {OpSucceeded, OpFailed, OpCancelled},
	OpSucceeded: {},
	OpFailed:    {},
	OpCancelled: {},
}

// A switch that a router does not confirm is taken back: what served serves again, and what was to serve only runs. A
// removed container comes back if the activity that starts it is repeated.
var containerStates = machine[ContainerState]{
	Starting: {Serving, Retiring, Stopped, Removed},
	Serving:  {Starting, Retiring, Stopped, Removed},
	Retiring: {Serving, Stopped, Removed},
	Stopped:  {Starting, Serving, Retiring, Removed},
	Removed:  {Starting},
}

var sandboxStates = machine[SandboxState]{
	Active:    {Suspended, Expired, Deleted},
	Suspended: {Active, Expired, Deleted},
	Expired:   {Active, Deleted},
	Deleted:   {},
}

// CanBecome reports whether a deployment in state s may be put into next.
func (s DeploymentState) CanBecome(next DeploymentState) bool {
	return deploymentStates.allows(s, next)
}

// From lists the states from which s may be reached, s included.
func (s DeploymentState) From() []DeploymentState { return deploymentStates.before(s) }

// Terminal reports whether no other state follows s.
func (s DeploymentState) Terminal() bool { return len(deploymentStates[s]) == 0 }

// Settled reports whether the pipeline has ended: nothing more happens without a new operation.
func (s DeploymentState) Settled() bool { return s.Terminal() || s == Running }

// DeploymentStates lists all states of a deployment, sorted.
func DeploymentStates() []DeploymentState { return deploymentStates.states() }

// CanBecome reports whether an operation in state s may be put into next.
func (s OperationState) CanBecome(next OperationState) bool { return operationStates.allows(s, next) }

// From lists the states from which s may be reached, s included.
func (s OperationState) From() []OperationState { return operationStates.before(s) }

// Settled reports whether nothing more happens to the operation.
func (s OperationState) Settled() bool { return len(operationStates[s]) == 0 }

// OperationStates lists all states of an operation, sorted.
func OperationStates() []OperationState { return operationStates.states() }

// CanBecome reports whether a container in state s may be put into next.
func (s ContainerState) CanBecome(next ContainerState) bool { return containerStates.allows(s, next) }

// From lists the states from which s may be reached, s included.
func (s ContainerState) From() []ContainerState { return containerStates.before(s) }

// CanBecome reports whether a sandbox in state s may be put into next.
func (s SandboxState) CanBecome(next SandboxState) bool { return sandboxStates.allows(s, next) }

// SandboxStates lists all states of a sandbox, sorted.
func SandboxStates() []SandboxState { return sandboxStates.states() }
