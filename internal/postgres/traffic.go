package postgres

import (
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/internal/sdp"
)

// trafficDoc is what one node counted for one sandbox, as it is stored. Durations are microseconds.
type trafficDoc struct {
	Since        time.Time                    `json:"since,omitzero"`
	LastActivity time.Time                    `json:"lastActivity,omitzero"`
	ReportedAt   time.Time                    `json:"reportedAt,omitzero"`
	Public       countDoc                     `json:"public,omitzero"`
	Services     map[string]serviceTrafficDoc `json:"services,omitempty"`
}

type countDoc struct {
	Requests  int64   `json:"requests,omitempty"`
	Errors    int64   `json:"errors,omitempty"`
	InFlight  int64   `json:"inFlight,omitempty"`
	P50       int64   `json:"p50,omitempty"`
	P95       int64   `json:"p95,omitempty"`
	PerSecond float64 `json:"perSecond,omitempty"`
}

type serviceTrafficDoc struct {
	countDoc
	Trouble    string `json:"trouble,omitempty"`
	Deployment string `json:"deployment,omitempty"`
}

func countDocument(t sdp.Traffic) countDoc {
	return countDoc{t.Requests, t.Errors, t.InFlight, t.P50.Microseconds(), t.P95.Microseconds(), t.PerSecond}
}

func (d countDoc) traffic() sdp.Traffic {
	return sdp.Traffic{Requests: d.Requests, Errors: d.Errors, InFlight: d.InFlight, P50: time.Duration(d.P50) * time.Microsecond,
		P95: time.Duration(d.P95) * time.Microsecond, PerSecond: d.PerSecond}
}

func trafficDocument(t sdp.SandboxTraffic) trafficDoc {
	d := trafficDoc{Since: t.Since, LastActivity: t.LastActivity, Public: countDocument(t.Public),
		Services: map[string]serviceTrafficDoc{}}
	for name, v := range t.Services {
		d.Services[clean(name)] = serviceTrafficDoc{countDocument(v.Traffic), clean(v.Trouble), clean(v.Deployment)}
	}
	return d
}

// trafficOf is what is stored for a sandbox, by the names of the nodes.
func trafficOf(sandbox string, docs map[string]trafficDoc) []sdp.SandboxTraffic {
	var list []sdp.SandboxTraffic
	for _, node := range slices.Sorted(maps.Keys(docs)) {
		d := docs[node]
		t := sdp.SandboxTraffic{Sandbox: sandbox, Node: node, Since: d.Since, LastActivity: d.LastActivity,
			ReportedAt: d.ReportedAt, Public: d.Public.traffic(), Services: map[string]sdp.ServiceTraffic{}}
		for name, v := range d.Services {
			t.Services[name] = sdp.ServiceTraffic{Traffic: v.traffic(), Trouble: v.Trouble, Deployment: v.Deployment}
		}
		list = append(list, t)
	}
	return list
}

// queueTraffic adds to b what stores a node's report: one statement however many sandboxes it speaks of. Followers of a
// sandbox hear of new numbers, and everybody of a service that begins or ceases to answer. Rows are taken in one order,
// so that the reports of two nodes cannot deadlock.
func queueTraffic(b *pgx.Batch, node string, report []sdp.SandboxTraffic) {
	if len(report) == 0 {
		return
	}
	names, docs, turned := make([]string, len(report)), make([][]byte, len(report)), make([]bool, len(report))
	for i, t := range report {
		names[i], docs[i], turned[i] = clean(t.Sandbox), document(trafficDocument(t)), t.Turned
	}
	b.Queue(`
		WITH report AS MATERIALIZED (
			SELECT DISTINCT ON (s.id) s.id, s.name, r.turned, r.doc || jsonb_build_object('reportedAt', now()) AS doc
			FROM unnest($2::text[], $3::jsonb[], $4::boolean[]) AS r (name, doc, turned)
			JOIN sandboxes s ON s.name = r.name AND s.state <> 'DELETED' ORDER BY s.id
		), stored AS (
			INSERT INTO sandbox_traffic AS t (sandbox_id, nodes)
			SELECT id, jsonb_build_object($1::text, doc) FROM report ORDER BY id
			ON CONFLICT (sandbox_id) DO UPDATE SET nodes = t.nodes || excluded.nodes
		)
		SELECT sdp_notify(CASE WHEN turned THEN 'sandbox/' ELSE 'traffic/' END || name, '', name, 0) FROM report`,
		node, names, docs, turned)
}
