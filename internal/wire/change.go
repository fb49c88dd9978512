package wire

import "sdp/internal/sdp"

// Change is what a workflow needs to know of an sdp.Change: what is done, not with which settings.
type Change struct {
	New     bool         `json:"new"`
	Atomic  bool         `json:"atomic"`
	Gateway bool         `json:"gateway"` // the public port may be answered by another service than before
	Front   string       `json:"front"`   // that service; "" = the router itself
	Back    string       `json:"back"`    // the one before
	Actions []sdp.Action `json:"actions"`
}

// CommitInput says which services of a change are switched. Containers are new ones among them, not stored yet.
type CommitInput struct {
	Operation  string          `json:"operation"`
	Services   []string        `json:"services"`
	Gateway    bool            `json:"gateway"`
	Containers []sdp.Container `json:"containers"`
}

// Ready is what a part of an atomic change tells it: its container is healthy, or somebody cancels it after that.
type Ready struct {
	Deployment string        `json:"deployment"`
	Container  sdp.Container `json:"container"`
	Cancelled  bool          `json:"cancelled"`
}

// Decision is the change's answer: the routers send requests to the container, or all of it came to nothing.
type Decision struct {
	Serves bool   `json:"serves"`
	Detail string `json:"detail"` // one line for the route step
}

// Switch is a change of routes that was committed: the table to apply, where, and the containers that lost their place.
type Switch struct {
	Table    RoutingTable    `json:"table"`
	Nodes    []string        `json:"nodes"`
	Away     []string        `json:"away,omitempty"` // of Nodes, those that are not heard of
	Previous []sdp.Container `json:"previous"`       // one a service at the most
}

// Replaced is the container of a service that lost its place, nil if none did.
func (s Switch) Replaced(service string) *sdp.Container {
	for i := range s.Previous {
		if s.Previous[i].Service == service {
			return &s.Previous[i]
		}
	}
	return nil
}

// RouteInput asks a node's router to serve a table. Containers are those of the node that answer from now on: Docker keeps
// them running, and the logs of their deployments end.
type RouteInput struct {
	Table      RoutingTable    `json:"table"`
	Containers []sdp.Container `json:"containers"`
}

// RetireInput asks a node to let a replaced container finish what it has and to remove it.
type RetireInput struct {
	Container sdp.Container `json:"container"`
	// Successor, if set, takes over the canonical container name.
	Successor string `json:"successor"`
}

// DiscardInput asks a node to remove everything a failed or cancelled deployment left behind.
type DiscardInput struct {
	Deployment string `json:"deployment"`
	Sandbox    string `json:"sandbox"`
	Service    string `json:"service"`
	Reason     string `json:"reason"` // written to the log
}

// TeardownInput asks a node to remove all it has of a sandbox.
type TeardownInput struct {
	Sandbox string   `json:"sandbox"`
	Nodes   []string `json:"nodes"`
	Away    []string `json:"away,omitempty"` // of Nodes, those that are not heard of
	Gone    bool     `json:"gone"`           // nothing is left to do, or somebody else does it
}
