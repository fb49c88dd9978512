package rest

import (
	"strings"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

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

// FromTable is the view of a sandbox's routing table, which the routers of some nodes hold.
func FromTable(table wire.RoutingTable, holders []string, nodes Nodes) Routes {
	return Routes{
		Sandbox: table.Sandbox, Version: table.Version, URL: nodes.URL(table.GatewayNode, table.PublicPort),
		Gateway: table.Gateway, Nodes: append([]string{}, holders...), Routes: List(table.Services, fromRoute),
	}
}

func fromRoute(r wire.ServiceRoute) ServiceRoute {
	out := ServiceRoute{Service: r.Service, Port: r.Port, Source: string(r.Source), URL: r.URL, Reason: r.Reason}
	if t := r.Target; t != nil {
		out.Node, out.Address, out.SHA, out.Deployment = t.Node, t.Address, t.SHA, t.Deployment
	}
	return out
}

// FromTraffic is the view of the requests that were counted for a sandbox, with every service of its routing table.
func FromTraffic(sandbox sdp.Sandbox, table wire.RoutingTable, nodes Nodes) Traffic {
	counted := sdp.TrafficOf(sandbox.Traffic, nodes.Now)
	_, judged := sandbox.Judge(counted, nodes.Trouble)
	out := Traffic{
		Sandbox: sandbox.Name, Since: utc(counted.Since), LastActivity: utc(counted.LastActivity),
		ReportedAt: utc(counted.ReportedAt), Gateway: fromCount(counted.Public), Services: []ServiceTraffic{},
	}
	for _, r := range table.Services {
		out.Services = append(out.Services, fromServiceTraffic(r, counted.Services[r.Service], judged))
	}
	return out
}

func fromCount(t sdp.Traffic) TrafficCount {
	return TrafficCount{Requests: t.Requests, PerSecond: t.PerSecond, Errors: t.Errors, InFlight: t.InFlight,
		P50Millis: millis(t.P50), P95Millis: millis(t.P95)}
}

func fromServiceTraffic(r wire.ServiceRoute, t sdp.ServiceTraffic,
	judged map[string]sdp.Judged[sdp.ServiceHealth]) ServiceTraffic {
	out := ServiceTraffic{Service: r.Service, Source: string(r.Source), Target: r.URL, TrafficCount: fromCount(t.Traffic)}
	if r.Target != nil {
		out.Target = r.Target.Node + "/" + r.Target.Address
	}
	j, ofSandbox := judged[r.Service]
	if !ofSandbox {
		j = sdp.JudgeShared(r.Upstream(), t.Trouble)
	}
	out.Health, out.Reason = string(j.Health), strings.Join(j.Reasons, "; ")
	return out
}

// FromTrace is the view of a traced request.
func FromTrace(t wire.Trace) Trace {
	return Trace{
		ID: t.ID, Sandbox: t.Sandbox, Path: t.Path, Status: t.Status, Body: t.Body, Hops: List(t.Hops, fromHop),
		Missing: t.Missing,
	}
}

func fromHop(h wire.Hop) Hop {
	return Hop{
		Node: h.Node, From: h.From, Service: h.Service, Source: string(h.Source), Target: h.Target, SHA: h.SHA,
		Deployment: h.Deployment, Method: h.Method, Path: h.Path, Status: h.Status, StartedAt: h.StartedAt,
		Millis: float64(h.Duration) / 1000, Inferred: h.Inferred,
	}
}
