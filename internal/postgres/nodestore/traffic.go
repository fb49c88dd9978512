package nodestore

import (
	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/postgres/stored"
	"sdp/internal/sdp"
)

// queueTraffic adds to b what stores a node's report: one statement however many sandboxes it speaks of. Followers of a
// sandbox hear of new numbers, and everybody of a service that begins or ceases to answer. Rows are taken in one order,
// so that the reports of two nodes cannot deadlock.
func queueTraffic(b *pgx.Batch, node string, report []sdp.SandboxTraffic) {
	if len(report) == 0 {
		return
	}
	names, docs, turned := make([]string, len(report)), make([][]byte, len(report)), make([]bool, len(report))
	for i, t := range report {
		names[i], docs[i], turned[i] = pg.Clean(t.Sandbox), pg.Document(stored.TrafficDocument(t)), t.Turned
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
