package stored

import (
	"maps"
	"slices"
	"time"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// Traffic is what one node counted for one sandbox, as it is stored. Durations are microseconds.
type Traffic struct {
	Since        time.Time                 `json:"since,omitzero"`
	LastActivity time.Time                 `json:"lastActivity,omitzero"`
	ReportedAt   time.Time                 `json:"reportedAt,omitzero"`
	Public       Count                     `json:"public,omitzero"`
	Services     map[string]ServiceTraffic `json:"services,omitempty"`
}

type Count struct {
	Requests  int64   `json:"requests,omitempty"`
	Errors    int64   `json:"errors,omitempty"`
	InFlight  int64   `json:"inFlight,omitempty"`
	P50       int64   `json:"p50,omitempty"`
	P95       int64   `json:"p95,omitempty"`
	PerSecond float64 `json:"perSecond,omitempty"`
}

type ServiceTraffic struct {
	Count
	Trouble    string `json:"trouble,omitempty"`
	Deployment string `json:"deployment,omitempty"`
}

func countDocument(t sdp.Traffic) Count {
	return Count{t.Requests, t.Errors, t.InFlight, t.P50.Microseconds(), t.P95.Microseconds(), t.PerSecond}
}

func (d Count) Domain() sdp.Traffic {
	return sdp.Traffic{Requests: d.Requests, Errors: d.Errors, InFlight: d.InFlight, P50: time.Duration(d.P50) * time.Microsecond,
		P95: time.Duration(d.P95) * time.Microsecond, PerSecond: d.PerSecond}
}

func TrafficDocument(t sdp.SandboxTraffic) Traffic {
	d := Traffic{Since: t.Since, LastActivity: t.LastActivity, Public: countDocument(t.Public),
		Services: map[string]ServiceTraffic{}}
	for name, v := range t.Services {
		d.Services[pg.Clean(name)] = ServiceTraffic{countDocument(v.Traffic), pg.Clean(v.Trouble), pg.Clean(v.Deployment)}
	}
	return d
}

// trafficOf is what is stored for a sandbox, by the names of the nodes.
func TrafficOf(sandbox string, docs map[string]Traffic) []sdp.SandboxTraffic {
	var list []sdp.SandboxTraffic
	for _, node := range slices.Sorted(maps.Keys(docs)) {
		d := docs[node]
		t := sdp.SandboxTraffic{Sandbox: sandbox, Node: node, Since: d.Since, LastActivity: d.LastActivity,
			ReportedAt: d.ReportedAt, Public: d.Public.Domain(), Services: map[string]sdp.ServiceTraffic{}}
		for name, v := range d.Services {
			t.Services[name] = sdp.ServiceTraffic{Traffic: v.Domain(), Trouble: v.Trouble, Deployment: v.Deployment}
		}
		list = append(list, t)
	}
	return list
}
