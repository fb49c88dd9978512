package nodestore

import (
	"context"

	"github.com/jackc/pgx/v5"

	"sdp/internal/postgres/pg"
	"sdp/internal/sdp"
)

// neededImages lists each image of a node that something needs, with what needs it: containers, also those of deleted
// sandboxes as long as they are there, deployments under way, the newest different images of each service of a live
// sandbox, and snapshots.
const neededImages = `
	WITH recent AS (
		SELECT s.name AS sandbox, d.service, d.image,
			row_number() OVER (PARTITION BY d.sandbox_id, d.service ORDER BY max(d.seq) DESC) AS nth
		FROM deployments d JOIN sandboxes s ON s.id = d.sandbox_id
		WHERE d.node = $1 AND d.image <> '' AND s.state <> 'DELETED'
		GROUP BY d.sandbox_id, s.name, d.service, d.image
	)
	SELECT image AS of, needed_by FROM (
		SELECT c.image, 1 AS rank, format('container %s of sandbox %s', c.service, s.name) AS needed_by
			FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id WHERE c.node = $1 AND c.state <> 'REMOVED'
		UNION SELECT d.image, 2, format('deployment %s, which is under way', d.id)
			FROM deployments d WHERE d.node = $1 AND d.image <> '' AND d.finished_at IS NULL
		UNION SELECT i.image, 3, format('snapshot %s of sandbox %s', p.name, s.name)
			FROM snapshots p JOIN sandboxes s ON s.id = p.sandbox_id,
				jsonb_to_recordset(p.images) AS i (node text, image text) WHERE i.node = $1
		UNION SELECT r.image, 4, format('recent deployments of %s in sandbox %s', r.service, r.sandbox)
			FROM recent r WHERE r.nth <= $2
	) AS needs WHERE image <> '' ORDER BY image, rank, needed_by`

// needRow is what needs an image, or all images of a repository.
type needRow struct {
	Of string `db:"of"`
	By string `db:"needed_by"`
}

// NeededImages returns which of a node's images must stay, as of one moment.
func (db *Store) NeededImages(ctx context.Context, node string) (n sdp.NeededImages, err error) {
	n = sdp.NeededImages{Images: map[string][]string{}, Repositories: map[string]string{}}
	err = db.pool.InTxWith(ctx, pg.Snapshot, "listing the images node "+node+" needs", func(tx pgx.Tx) error {
		images, err := pg.Query(ctx, tx, "listing needed images", pgx.RowToStructByName[needRow], neededImages, node, sdp.ImageHistory)
		if err != nil {
			return err
		}
		for _, v := range images {
			n.Images[v.Of] = append(n.Images[v.Of], v.By)
		}
		underWay, err := pg.Query(ctx, tx, "listing deployments under way", pgx.RowToStructByName[needRow], `
			SELECT DISTINCT ON (repository) repository AS of, id AS needed_by FROM deployments
			WHERE node = $1 AND image = '' AND finished_at IS NULL ORDER BY repository, seq`, node)
		for _, v := range underWay {
			n.Repositories[v.Of] = v.By
		}
		return err
	})
	return n, err
}
