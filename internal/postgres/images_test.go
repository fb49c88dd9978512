package postgres_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

// ran takes a deployment of a service to RUNNING with an image.
func ran(t *testing.T, db *postgres.DB, sandbox, service, image string) string {
	t.Helper()
	id := queue(t, db, sandbox, service)
	must(t, db.SetState(t.Context(), id, sdp.StartingContainer, postgres.StateChange{SHA: shaA, Image: image}))
	c := container(id, sandbox, service, 2)
	c.Image = image
	must(t, db.PutContainer(t.Context(), c))
	got(db.Serve(t.Context(), id))(t)
	must(t, db.Confirm(t.Context(), id))
	return id
}

func needed(t *testing.T, db *postgres.DB) (names string, n sdp.NeededImages) {
	t.Helper()
	n = got(db.NeededImages(t.Context(), "micro-1"))(t)
	return strings.Join(slices.Sorted(maps.Keys(n.Images)), " "), n
}

func TestNeededImages(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, db.RegisterNode(t.Context(), micro()))
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8199)))
	create(t, db, "box")
	var ids []string
	for _, image := range []string{"a:1", "a:2", "a:3", "a:3", "a:3", "a:4"} { // restarts are no new versions
		id := ran(t, db, "box", "account", image)
		for _, old := range ids {
			must(t, db.SetContainerState(t.Context(), old, sdp.Removed))
		}
		ids = append(ids, id)
	}
	names, n := needed(t, db)
	equal(t, "needed", names, "a:2 a:3 a:4")
	equal(t, "why", strings.Join(n.Images["a:4"], ", "), "container account of sandbox box, recent deployments of account in sandbox box")
	equal(t, "repositories", len(n.Repositories), 0)

	// A deployment whose image is not known may turn out to need any of its repository's; a failed one needs none.
	unknown := queue(t, db, "box", "payment")
	_, n = needed(t, db)
	equal(t, "under way", n.Repositories["payment"], unknown)
	must(t, db.SetState(t.Context(), unknown, sdp.Fetching, postgres.StateChange{SHA: shaA, Image: "p:1"}))
	names, n = needed(t, db)
	equal(t, "needed", names, "a:2 a:3 a:4 p:1")
	equal(t, "repositories", len(n.Repositories), 0)
	must(t, db.SetState(t.Context(), unknown, sdp.DeployFailed, postgres.StateChange{Failure: &sdp.Failure{Kind: sdp.Failed, Code: "x", Detail: "y"}}))
	_, n = needed(t, db)
	equal(t, "why", strings.Join(n.Images["p:1"], ", "), "recent deployments of payment in sandbox box")

	// Another node needs nothing of it.
	other := got(db.NeededImages(t.Context(), "gateway-1"))(t)
	equal(t, "other node's", len(other.Images)+len(other.Repositories), 0)

	// A deleted sandbox needs what its snapshots need, and what its containers use until they are gone.
	sql(t, url, `INSERT INTO snapshots (id, sandbox_id, name, author, spec, images)
		SELECT 's-1', id, 'release', 'ann', '{}', '[{"service": "account", "node": "micro-1", "image": "a:1", "sha": ""},
			{"service": "gateway", "node": "gateway-1", "image": "g:1", "sha": ""}]' FROM sandboxes`)
	remove(t, db, "box")
	names, n = needed(t, db)
	equal(t, "needed", names, "a:1")
	equal(t, "why", strings.Join(n.Images["a:1"], ", "), "snapshot release of sandbox box")
	sql(t, url, `UPDATE containers SET state = 'STARTING' WHERE deployment = '`+ids[5]+`'`)
	names, _ = needed(t, db)
	equal(t, "needed", names, "a:1 a:4")
}
