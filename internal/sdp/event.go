package sdp

import (
	"slices"
	"strings"
	"time"
)

// Event says what happened to a deployment, one of its steps, or another operation. Each happens once.
type Event struct {
	Seq        int64 // grows in the order in which events became known: who has read up to one has missed none
	At         time.Time
	Type       EventType
	Sandbox    string
	Service    string
	Deployment string // "" for the other operations
	Operation  string // its ID, or of which a deployment is a part
	User       string // who asked for it
	SHA        string // "" until it is known
	Cached     bool   // the step was skipped: its result was there already
	Code       string // of the failure
}

// EventType is what happened: a step or a kind of operation, and how far it is: "FETCH_STARTED", "DEPLOY_FAILED".
type EventType string

// EventTypes lists all there are, sorted: for each step of a deployment and each kind of operation its beginning and
// its ends. A step that was skipped only has an end. "ROUTE_STARTED" is of both a step and an operation.
func EventTypes() []EventType {
	var names []string
	for _, step := range Steps {
		if step != StepResolve { // a part of the fetch
			names = append(names, string(step))
		}
	}
	for _, kind := range OperationKinds() {
		names = append(names, string(kind))
	}
	var all []EventType
	for _, name := range names {
		for _, how := range []string{"_STARTED", "_COMPLETED", "_FAILED", "_CANCELLED"} {
			all = append(all, EventType(strings.ToUpper(name)+how))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
