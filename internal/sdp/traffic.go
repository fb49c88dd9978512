package sdp

import "time"

// Traffic counts requests of one kind. Routers count from when they start.
type Traffic struct {
	Requests  int64         `json:"requests"`
	Errors    int64         `json:"errors"`    // answered with 5xx, or cut by the target
	InFlight  int64         `json:"inFlight"`  // upgraded connections included
	P50       time.Duration `json:"p50"`       // until the response's end, over the last one to two minutes,
	P95       time.Duration `json:"p95"`       // upgraded connections excluded
	PerSecond float64       `json:"perSecond"` // requests over the interval between the node's last two reports
}

// ServiceTraffic is what a node knows of the requests for one service.
type ServiceTraffic struct {
	Traffic
	// Trouble is why who serves does not answer, for people; "" = it does, as far as anybody asked.
	Trouble string `json:"trouble"`
	// Deployment is the container Trouble is about; "" = whoever the route leads to.
	Deployment string `json:"deployment"`
}

// troubleOf is the trouble if it concerns what serves now: what was true of the container before says nothing.
func (t ServiceTraffic) troubleOf(serving *Container) string {
	if t.Deployment != "" && (serving == nil || serving.Deployment != t.Deployment) {
		return ""
	}
	return t.Trouble
}

// SandboxTraffic is what the router of one node counted for one sandbox. A request counts where it enters: at the public
// port or where a container sends it, not again where another node's router hands it over.
type SandboxTraffic struct {
	Sandbox      string                    `json:"sandbox"`
	Node         string                    `json:"node"`
	Since        time.Time                 `json:"since"`        // when counting began
	LastActivity time.Time                 `json:"lastActivity"` // start or end of the last request; zero if there was none
	ReportedAt   time.Time                 `json:"reportedAt"`   // by the database's clock
	Public       Traffic                   `json:"public"`       // what came through the public port
	Services     map[string]ServiceTraffic `json:"services"`
	// Turned is set where the trouble of a service began or ended with this report.
	Turned bool `json:"turned"`
}

// Heartbeat is what a worker sends every HeartbeatEvery: how its node is, and the traffic of those sandboxes that are not
// quiet, or for which it changed since the last heartbeat that arrived.
type Heartbeat struct {
	NodeHealth
	Traffic []SandboxTraffic `json:"traffic"`
	// Waiting are the deployments whose builds wait, by ID, and for what.
	Waiting map[string]string `json:"waiting,omitempty"`
}

// Quiet reports whether nothing is going on and nothing is wrong: such a report stays true until the next one.
func (t SandboxTraffic) Quiet() bool {
	for _, v := range t.Services {
		if v.Trouble != "" || v.InFlight > 0 || v.PerSecond > 0 {
			return false
		}
	}
	return t.Public.InFlight == 0 && t.Public.PerSecond == 0
}

// TrafficOf adds up what the nodes counted for a sandbox's public port and each of its services. A rate counts only while
// its node reports: one that fell silent says nothing about now.
func TrafficOf(nodes []SandboxTraffic, now time.Time) SandboxTraffic {
	sum := SandboxTraffic{Services: map[string]ServiceTraffic{}}
	for _, n := range nodes {
		if !n.Since.IsZero() && (sum.Since.IsZero() || n.Since.Before(sum.Since)) {
			sum.Since = n.Since
		}
		if n.LastActivity.After(sum.LastActivity) {
			sum.LastActivity = n.LastActivity
		}
		if n.ReportedAt.After(sum.ReportedAt) {
			sum.ReportedAt = n.ReportedAt
		}
		current := now.Sub(n.ReportedAt) <= LivenessLimit
		sum.Public = sum.Public.plus(n.Public, current)
		for name, v := range n.Services {
			total := sum.Services[name]
			total.Traffic = total.plus(v.Traffic, current)
			if v.Trouble != "" && current {
				total.Trouble, total.Deployment = v.Trouble, v.Deployment
			}
			sum.Services[name] = total
		}
	}
	return sum
}

// plus adds counts. Percentiles cannot be added: those of the node that saw more requests are taken.
func (t Traffic) plus(o Traffic, current bool) Traffic {
	if o.Requests > t.Requests {
		t.P50, t.P95 = o.P50, o.P95
	}
	t.Requests += o.Requests
	t.Errors += o.Errors
	if current {
		t.InFlight += o.InFlight
		t.PerSecond += o.PerSecond
	}
	return t
}
