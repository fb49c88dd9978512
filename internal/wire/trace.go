package wire

import "sdp/internal/sdp"

// Headers of what a router answers: of which sandbox, and who served it, as "account=sandbox@ea88bdf16c6d". They are
// written as people know them: net/http sends the keys of its maps as they are.
const (
	SandboxHeader = "X-SDP-Sandbox"
	RouteHeader   = "X-SDP-Route"
)

// TraceHeader marks a traced request. Services pass it on as they would any trace context.
const TraceHeader = "X-SDP-Trace"

// TraceInput sends one tagged request through a sandbox's public port on Node and collects the hops from Nodes.
type TraceInput struct {
	ID      string   `json:"id"`
	Sandbox string   `json:"sandbox"`
	Node    string   `json:"node"`
	Port    int      `json:"port"`
	Nodes   []string `json:"nodes"`
	Method  string   `json:"method"`
	Path    string   `json:"path"`
}

// HopsInput asks a node's router for the hops it saw of a trace.
type HopsInput struct {
	ID string `json:"id"`
}

// Hop is one step of a traced request: who was asked for what, and which target and commit answered.
type Hop struct {
	Node       string     `json:"node"` // node whose router saw it
	From       string     `json:"from"` // "client", or the service whose container sent the request
	Service    string     `json:"service"`
	Source     sdp.Source `json:"source"`
	Target     string     `json:"target"` // container address or URL
	SHA        string     `json:"sha"`    // "" for OCP and URLs
	Deployment string     `json:"deployment"`
	Method     string     `json:"method"`
	Path       string     `json:"path"` // without the query string, which may hold secrets
	Status     int        `json:"status"`
	StartedAt  int64      `json:"startedAt"` // Unix time, microseconds
	Duration   int64      `json:"duration"`  // microseconds until the response's end
	// Inferred is set where the caller did not pass the trace header on and the hop was attributed by time and origin.
	Inferred bool `json:"inferred"`
}

// Trace is the answer to a traced request.
type Trace struct {
	ID      string   `json:"id"`
	Sandbox string   `json:"sandbox"`
	Path    string   `json:"path"`
	Status  int      `json:"status"`
	Body    string   `json:"body"`    // first 2 KiB of the response
	Hops    []Hop    `json:"hops"`    // in order of start
	Missing []string `json:"missing"` // nodes that did not report their hops
}
