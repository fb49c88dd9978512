package wire

import (
	"fmt"

	"sdp/internal/sdp"
)

// RouteFormat is the newest format of a routing table that this program understands: 1 has one target a route, 2 may split
// a route. A table says the lowest format that has all it uses, so that programs which are older go on reading most tables.
const RouteFormat = 2

// RoutingTable is everything routers need to serve one sandbox. The control plane computes it from the database and
// sends the same table to each node concerned; a router refuses one older than the one it has.
type RoutingTable struct {
	Format      int              `json:"format,omitempty"` // 0 = 1
	Sandbox     string           `json:"sandbox"`
	Version     int64            `json:"version"` // Sandbox.RouteVersion
	State       sdp.SandboxState `json:"state"`
	GatewayNode string           `json:"gatewayNode"` // node whose router owns PublicPort
	PublicPort  int              `json:"publicPort"`
	Gateway     string           `json:"gateway"` // service that answers at PublicPort; "" = /<service>/... is routed to <service>, prefix stripped
	Services    []ServiceRoute   `json:"services"`
	// Named says that this only names a table, or a later version of it, without the services: the node gets it from the server.
	Named bool `json:"named,omitempty"`
}

// Name returns what names the table.
func (t RoutingTable) Name() RoutingTable {
	t.Services, t.Named = nil, true
	return t
}

// ServiceRoute says where requests for one service of a sandbox go.
type ServiceRoute struct {
	Service string     `json:"service"`
	Port    int        `json:"port"` // at which other services of the sandbox reach it: http://<service>:<port>/
	Source  sdp.Source `json:"source"`
	// For SourceSandbox. Target is nil while no container serves; the router then answers 503 with Reason.
	Target *Target `json:"target,omitempty"`
	Reason string  `json:"reason,omitempty"`
	// Split divides the requests among containers by weight. Target is one of them, for programs that know no splits; empty
	// = all requests go to Target, as with the weight 100.
	Split []Share `json:"split,omitempty"`
	// For SourceOCP and SourceURL: absolute http or https URL; its path is a prefix.
	URL string `json:"url,omitempty"`
}

// Target is a container that answers for a service.
type Target struct {
	Node        string `json:"node"`        // whose router reaches it
	NodeAddress string `json:"nodeAddress"` // "host:port" of that router's mesh listener
	Address     string `json:"address"`     // "ip:port" of the container on that node
	SHA         string `json:"sha"`
	Deployment  string `json:"deployment"`
}

// Share is a target and how many parts of the requests it gets: of 90 and 10, nine in ten. It gets none with the weight 0.
type Share struct {
	Target
	Weight int `json:"weight"`
}

// Bounds of a split.
const (
	MaxShares = 16
	MaxWeight = 100
)

// Route returns the route of a service and whether the table has one.
func (t RoutingTable) Route(service string) (ServiceRoute, bool) {
	for _, s := range t.Services {
		if s.Service == service {
			return s, true
		}
	}
	return ServiceRoute{}, false
}

// Check returns an error unless this program understands the table.
func (t RoutingTable) Check() error {
	if t.Format > RouteFormat {
		return tooNew(fmt.Sprintf("the routing table of sandbox %s", t.Sandbox), t.Format, RouteFormat)
	}
	if t.Named {
		return sdp.Errorf(sdp.Invalid, "bad-table", "the routing table of sandbox %s comes without its services", t.Sandbox)
	}
	for _, s := range t.Services {
		if err := s.check(t.Sandbox); err != nil {
			return err
		}
		if len(s.Split) > 0 && t.Format < 2 {
			return sdp.Errorf(sdp.Invalid, "bad-table", "the routing table of sandbox %s splits a route and says format %d", t.Sandbox, t.Format)
		}
	}
	return nil
}

func (r ServiceRoute) check(sandbox string) error {
	if len(r.Split) > MaxShares {
		return sdp.Errorf(sdp.Invalid, "bad-weight", "the route of %s in sandbox %s is split among %d targets; %d are allowed",
			r.Service, sandbox, len(r.Split), MaxShares)
	}
	for _, s := range r.Split {
		if s.Weight < 0 || s.Weight > MaxWeight {
			return sdp.Errorf(sdp.Invalid, "bad-weight", "the weight %d of a target of %s in sandbox %s is not between 0 and %d",
				s.Weight, r.Service, sandbox, MaxWeight)
		}
	}
	return nil
}

// Targets returns the targets of the route with their weights: those of the split, or the only one with the weight 100.
func (r ServiceRoute) Targets() []Share {
	switch {
	case r.Source != sdp.SourceSandbox:
		return nil
	case len(r.Split) > 0:
		return r.Split
	case r.Target != nil:
		return []Share{{*r.Target, MaxWeight}}
	}
	return nil
}

// Upstreams is what the sandbox's services are told of each other.
func (t RoutingTable) Upstreams() []sdp.Upstream {
	all := make([]sdp.Upstream, len(t.Services))
	for i, s := range t.Services {
		all[i] = s.Upstream()
	}
	return all
}

// Upstream is what other services are told of the route's service.
func (r ServiceRoute) Upstream() sdp.Upstream {
	return sdp.Upstream{Service: r.Service, Port: r.Port, Source: r.Source, URL: r.URL, Reason: r.Reason}
}

// tooNew is why something written by a newer program is not read.
func tooNew(what string, format, known int) error {
	return sdp.Errorf(sdp.Conflict, "newer-format", "%s has format %d, this program knows formats up to %d", what, format, known).
		WithRemedy("update SDP on this node to the version of the others")
}
