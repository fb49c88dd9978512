package api

import "time"

// Sandbox is an isolated set of services with one public URL.
type Sandbox struct {
	Name               string            `json:"name"`
	State              string            `json:"state" enum:"ACTIVE,SUSPENDED,EXPIRED,DELETED"`
	Deleting           bool              `json:"deleting,omitempty"`
	Owner              string            `json:"owner"`
	Description        string            `json:"description,omitempty"`
	Labels             map[string]string `json:"labels,omitempty"`
	Environment        string            `json:"environment,omitempty"`
	EnvironmentVersion int               `json:"environmentVersion,omitempty" doc:"version it is pinned to; absent = the newest at each deployment"`
	Variables          map[string]string `json:"variables,omitempty" doc:"the sandbox's own; they win over the environment's"`
	SecretKeys         []string          `json:"secretKeys,omitempty" doc:"names of the sandbox's own secrets"`
	Limits             *SandboxLimits    `json:"limits,omitempty"`
	Expiry             *Expiry           `json:"expiry,omitempty"`
	Gateway            string            `json:"gateway,omitempty" doc:"service that answers at the URL; absent = /<service>/... is routed by path"`
	GatewayNode        string            `json:"gatewayNode"`
	Port               int               `json:"port"`
	PortNote           string            `json:"portNote,omitempty" doc:"why it is not the port that was given first; in the answer to one sandbox only"`
	URL                string            `json:"url" doc:"where phones and browsers reach the sandbox"`
	Health             string            `json:"health" enum:"ok,degraded,down,idle" doc:"ok: what it should run answers; degraded: some of it does not, or nobody knows; down: its URL does not answer, or nothing of its own does; idle: nothing of its own runs, and nothing is wrong with that"`
	HealthReasons      []string          `json:"healthReasons,omitempty" doc:"what the health rests on, for people"`
	LastActivity       time.Time         `json:"lastActivity,omitzero" doc:"start or end of the last request; absent if there was none that a router remembers"`
	RouteVersion       int64             `json:"routeVersion"`
	CreatedAt          time.Time         `json:"createdAt"`
	DeletedAt          time.Time         `json:"deletedAt,omitzero"`
	Services           []Service         `json:"services"`
	Attention          []Attention       `json:"attention,omitempty" doc:"what somebody should know, and do something about"`
}

// Service is one service of a sandbox: what it should run and who answers for it now.
type Service struct {
	Name       string            `json:"name"`
	Branch     string            `json:"branch,omitempty"`
	Commit     string            `json:"commit,omitempty" doc:"commit it is pinned to"`
	Track      bool              `json:"track,omitempty" doc:"deployed again whenever the branch moves"`
	BranchGone time.Time         `json:"branchGone,omitzero" doc:"since when the git server does not have the branch any more"`
	Limits     *Limits           `json:"limits,omitempty"`
	Source     string            `json:"source" enum:"sandbox,ocp,url"`
	URL        string            `json:"url,omitempty"`
	Env        map[string]string `json:"env,omitempty"`
	SecretKeys []string          `json:"secretKeys,omitempty" doc:"names of the secrets set; their values are never shown"`
	Serving    *Container        `json:"serving,omitempty"`
	Health     string            `json:"health" enum:"healthy,degraded,down,starting,stopped,external,unknown" doc:"healthy: its container answers; degraded: it answers, but the newest deployment failed; down: it should answer and does not; starting: its first container is on the way; stopped: nothing answers, and nothing was asked to; external: the shared environment or a URL serves it; unknown: its node does not report"`
	Reason     string            `json:"healthReason,omitempty" doc:"why it is not healthy, for people"`
	Behind     bool              `json:"behind,omitempty" doc:"a restart would give it another version of the environment"`
	Latest     *Deployment       `json:"latest,omitempty"`
}

// Container is one generation of a service.
type Container struct {
	Deployment string `json:"deployment"`
	Name       string `json:"name"`
	Node       string `json:"node"`
	DockerID   string `json:"dockerID,omitempty"`
	Address    string `json:"address,omitempty"`
	Branch     string `json:"branch,omitempty" doc:"it was deployed from; the service's own branch is what was asked for last"`
	SHA        string `json:"sha"`
	Image      string `json:"image"`
	State      string `json:"state" enum:"STARTING,SERVING,RETIRING,STOPPED,REMOVED"`
}

// CreatedSandbox is the answer to POST /sandboxes.
type CreatedSandbox struct {
	Sandbox     Sandbox      `json:"sandbox"`
	Operation   Operation    `json:"operation"`
	Deployments []Deployment `json:"deployments"`
}

// Operation is a change of a sandbox other than a deployment.
type Operation struct {
	ID                string    `json:"id"`
	Kind              string    `json:"kind" enum:"create,restart,stop,route,delete,apply,clone,restore"`
	Sandbox           string    `json:"sandbox"`
	Service           string    `json:"service,omitempty"`
	Source            string    `json:"source,omitempty"`
	URL               string    `json:"url,omitempty"`
	State             string    `json:"state" enum:"QUEUED,RUNNING,SUCCEEDED,FAILED,CANCELLED"`
	WaitingFor        string    `json:"waitingFor,omitempty" doc:"while QUEUED: what it waits behind; while it is cancelled: who must confirm that"`
	Cancelling        bool      `json:"cancelling,omitempty" doc:"a cancel was accepted and is not confirmed yet"`
	CancelRequestedAt time.Time `json:"cancelRequestedAt,omitzero" doc:"when somebody asked for it to be cancelled"`
	TemporalURL       string    `json:"temporalURL,omitempty" doc:"its run in the Temporal Web UI; absent where there is none"`
	Failure           *Failure  `json:"failure,omitempty"`
	RequestedBy       string    `json:"requestedBy"`
	CreatedAt         time.Time `json:"createdAt"`
	FinishedAt        time.Time `json:"finishedAt,omitzero"`
}

// Routes is a sandbox's routing table.
type Routes struct {
	Sandbox string         `json:"sandbox"`
	Version int64          `json:"version"`
	URL     string         `json:"url"`
	Gateway string         `json:"gateway,omitempty"`
	Nodes   []string       `json:"nodes" doc:"nodes whose routers hold the table"`
	Routes  []ServiceRoute `json:"routes"`
}

// ServiceRoute says where requests for one service go.
type ServiceRoute struct {
	Service    string `json:"service"`
	Port       int    `json:"port" doc:"http://<service>:<port>/ inside the sandbox"`
	Source     string `json:"source" enum:"sandbox,ocp,url"`
	URL        string `json:"url,omitempty"`
	Node       string `json:"node,omitempty"`
	Address    string `json:"address,omitempty"`
	SHA        string `json:"sha,omitempty"`
	Deployment string `json:"deployment,omitempty"`
	Reason     string `json:"reason,omitempty" doc:"why nothing answers"`
}

// Traffic is what the routers of all nodes counted for a sandbox since they started. A request counts once, where it
// enters. An event traffic/<sandbox> says that there are new numbers, every two seconds at most.
type Traffic struct {
	Sandbox      string           `json:"sandbox"`
	Since        time.Time        `json:"since,omitzero" doc:"when counting began; a router that was restarted since counts from its own start"`
	LastActivity time.Time        `json:"lastActivity,omitzero" doc:"start or end of the last request"`
	ReportedAt   time.Time        `json:"reportedAt,omitzero" doc:"when a node last reported something new"`
	Gateway      TrafficCount     `json:"gateway" doc:"requests through the public port"`
	Services     []ServiceTraffic `json:"services" doc:"every service of the routing table, requested or not"`
}

// TrafficCount counts requests of one kind.
type TrafficCount struct {
	Requests  int64   `json:"requests"`
	PerSecond float64 `json:"perSecond" doc:"requests a second over the last two seconds or so; 0 while a node does not report"`
	Errors    int64   `json:"errors" doc:"answered with 5xx, or cut by the target"`
	InFlight  int64   `json:"inFlight" doc:"under way now, open WebSockets included"`
	P50Millis float64 `json:"p50Millis" doc:"median until the response's end, over the last one to two minutes; 0 without requests"`
	P95Millis float64 `json:"p95Millis"`
}

// ServiceTraffic counts the requests for one service, and says who answers them and how that one is.
type ServiceTraffic struct {
	Service string `json:"service"`
	Source  string `json:"source" enum:"sandbox,ocp,url"`
	Target  string `json:"target,omitempty" doc:"<node>/<address> of the container, or the URL; absent while nobody answers"`
	Health  string `json:"health" enum:"healthy,degraded,down,starting,stopped,external,unknown" doc:"as in Service"`
	Reason  string `json:"healthReason,omitempty"`
	TrafficCount
}

// SetRoute is the body of PUT /sandboxes/{name}/routes/{service}.
type SetRoute struct {
	Source string `json:"source" enum:"sandbox,ocp,url"`
	URL    string `json:"url,omitempty" doc:"absolute http or https URL; for source url only"`
}

// TraceRequest is the body of POST /sandboxes/{name}/trace.
type TraceRequest struct {
	Method string `json:"method,omitempty" enum:"GET,HEAD,OPTIONS" doc:"absent = GET"`
	Path   string `json:"path" doc:"path and query to ask the sandbox's URL for"`
}

// Trace is the answer to a traced request, hop by hop.
type Trace struct {
	ID      string   `json:"id"`
	Sandbox string   `json:"sandbox"`
	Path    string   `json:"path"`
	Status  int      `json:"status"`
	Body    string   `json:"body,omitempty" doc:"first 2 KiB of the response"`
	Hops    []Hop    `json:"hops"`
	Missing []string `json:"missing,omitempty" doc:"nodes that did not report their hops"`
}

// Hop is one step of a traced request.
type Hop struct {
	Node       string  `json:"node"`
	From       string  `json:"from"`
	Service    string  `json:"service"`
	Source     string  `json:"source"`
	Target     string  `json:"target"`
	SHA        string  `json:"sha,omitempty"`
	Deployment string  `json:"deployment,omitempty"`
	Method     string  `json:"method"`
	Path       string  `json:"path"`
	Status     int     `json:"status"`
	StartedAt  int64   `json:"startedAt" doc:"Unix time, microseconds"`
	Millis     float64 `json:"millis" doc:"duration in milliseconds"`
	Inferred   bool    `json:"inferred,omitempty" doc:"attributed by time and origin, because the caller did not pass the trace header on"`
}
