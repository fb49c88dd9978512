package sdp

// RoutingTable is everything routers need to serve one sandbox. The control plane computes it from the database and
// sends the same table to each node concerned; a router refuses one older than the one it has.
type RoutingTable struct {
	Sandbox     string
	Version     int64 // Sandbox.RouteVersion
	State       SandboxState
	GatewayNode string // node whose router owns PublicPort
	PublicPort  int
	Gateway     string // service that answers at PublicPort; "" = /<service>/... is routed to <service>, prefix stripped
	Services    []ServiceRoute
}

// ServiceRoute says where requests for one service of a sandbox go.
type ServiceRoute struct {
	Service string
	Port    int // at which other services of the sandbox reach it: http://<service>:<port>/
	Source  Source
	// For SourceSandbox. Target is nil while no container serves; the router then answers 503 with Reason.
	Target *Target
	Reason string
	// For SourceOCP and SourceURL: absolute http or https URL; its path is a prefix.
	URL string
}

// Target is a container that answers for a service.
type Target struct {
	Node        string // whose router reaches it
	NodeAddress string // "host:port" of that router's mesh listener
	Address     string // "ip:port" of the container on that node
	SHA         string
	Deployment  string
}

// Route returns the route of a service and whether the table has one.
func (t RoutingTable) Route(service string) (ServiceRoute, bool) {
	for _, s := range t.Services {
		if s.Service == service {
			return s, true
		}
	}
	return ServiceRoute{}, false
}

// Hop is one step of a traced request: who was asked for what, and which target and commit answered.
type Hop struct {
	Node       string // node whose router saw it
	From       string // "client", or the service whose container sent the request
	Service    string
	Source     Source
	Target     string // container address or URL
	SHA        string // "" for OCP and URLs
	Deployment string
	Method     string
	Path       string // without the query string, which may hold secrets
	Status     int
	StartedAt  int64 // Unix time, microseconds
	Duration   int64 // microseconds until the response's end
	// Inferred is set where the caller did not pass the trace header on and the hop was attributed by time and origin.
	Inferred bool
}

// Trace is the answer to a traced request.
type Trace struct {
	ID      string
	Sandbox string
	Path    string
	Status  int
	Body    string   // first 2 KiB of the response
	Hops    []Hop    // in order of start
	Missing []string // nodes that did not report their hops
}

// TraceHeader marks a traced request. Services pass it on as they would any trace context.
const TraceHeader = "X-SDP-Trace"
