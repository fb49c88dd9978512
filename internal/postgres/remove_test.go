package postgres_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

func anyWork(sdp.NodeWork) error { return nil }

func TestCordonKeepsWhoWasFirst(t *testing.T) {
	t.Parallel()
	db := platform(t)
	equal(t, "cordoned by", got(db.Cordon(t.Context(), "micro-1", "ann"))(t).Cordoned.By, "ann")
	n := got(db.Cordon(t.Context(), "micro-1", "bob"))(t)
	equal(t, "cordoned by", n.Cordoned.By, "ann")
	must(t, db.RegisterNode(t.Context(), micro())) // a restart of its worker changes nothing
	equal(t, "cordoned by", got(db.Node(t.Context(), "micro-1"))(t).Cordoned.By, "ann")
	equal(t, "cordoned", got(db.Uncordon(t.Context(), "micro-1"))(t).Cordoned, sdp.Mark{})
	_, err := db.Cordon(t.Context(), "nowhere", "ann")
	wantCode(t, err, sdp.NotFound, "node-not-found")
}

func TestRemovedNodeIsForgotten(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := run(t, db, "box", "account", 1)
	under := queue(t, db, "box", "payment")
	must(t, db.PutContainer(t.Context(), container(under, "box", "payment", 2)))
	before, nodes := tableOf(t, db, "box")
	equal(t, "nodes", nodes, "gateway-1 micro-1")

	w := got(db.NodeWork(t.Context(), "micro-1"))(t)
	if len(w.Containers) != 2 || len(w.Deployments) != 1 || w.Deployments[0].ID != under || len(w.Ports) != 0 || w.None() {
		t.Fatalf("work %+v", w)
	}
	refused := errors.New("not now")
	_, err := db.RemoveNode(t.Context(), "micro-1", "ann", time.Now(), func(sdp.NodeWork) error { return refused })
	if !errors.Is(err, refused) {
		t.Fatal(err)
	}
	equal(t, "alive", got(db.Node(t.Context(), "micro-1"))(t).Alive(), true)

	at := time.Now()
	got(db.RemoveNode(t.Context(), "micro-1", "ann", at, anyWork))(t)
	_, err = db.Node(t.Context(), "micro-1")
	wantCode(t, err, sdp.NotFound, "node-removed")
	equal(t, "number of nodes", len(got(db.Nodes(t.Context()))(t)), 1)
	equal(t, "repositories", len(got(db.Repositories(t.Context()))(t)), 1)
	equal(t, "removed by", got(db.RemovedNodes(t.Context()))(t)["micro-1"].By, "ann")
	if since := got(db.TokensSince(t.Context(), "micro-1"))(t); since.UnixMicro() != at.UnixMicro() {
		t.Errorf("tokens since %s, want %s", since, at)
	}
	equal(t, "deployment", got(db.Deployment(t.Context(), id))(t).State, sdp.DeploymentState("STOPPED"))
	after, nodes := tableOf(t, db, "box")
	equal(t, "nodes", nodes, "gateway-1")
	if after.Version <= before.Version {
		t.Errorf("the table has version %d, before %d", after.Version, before.Version)
	}
	if r := route(t, after, "account"); r.Target != nil || !strings.Contains(r.Reason, "micro-1, where account ran, was removed") {
		t.Errorf("route %+v", r)
	}
	wantCode(t, db.Heartbeat(t.Context(), "micro-1", sdp.Heartbeat{}), sdp.NotFound, "node-not-found") // it is to register

	// What is under way there comes to nothing, with the reason.
	_, err = db.Job(t.Context(), under)
	wantCode(t, err, sdp.NotFound, "node-removed")
	must(t, db.PutContainer(t.Context(), container(under, "box", "payment", 2)))
	_, err = db.Serve(t.Context(), under)
	wantCode(t, err, sdp.NotFound, "node-removed")
}

func TestRemovedNodeComesBackEmpty(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	run(t, db, "box", "account", 1)
	got(db.Cordon(t.Context(), "micro-1", "ann"))(t)
	got(db.RemoveNode(t.Context(), "micro-1", "ann", time.Now(), anyWork))(t)
	must(t, db.RegisterNode(t.Context(), micro()))
	n := got(db.Node(t.Context(), "micro-1"))(t)
	if !n.Alive() || n.Cordoned != (sdp.Mark{}) {
		t.Errorf("node %+v", n)
	}
	equal(t, "repositories", len(got(db.Repositories(t.Context()))(t)), 4)
	d := got(db.Desired(t.Context(), "micro-1"))(t)
	equal(t, "wanted containers", len(d.Containers), 0)
	if since := got(db.TokensSince(t.Context(), "micro-1"))(t); since.IsZero() {
		t.Error("tokens from before the removal count again")
	}
	run(t, db, "box", "account", 2)
}

// A sandbox's public port is its own as long as it is there: a gateway that is replaced has it again.
func TestPortsOfARemovedGatewayStayTheirSandboxes(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, db.RegisterNode(t.Context(), micro()))
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8082)))
	port := create(t, db, "box").Port
	got(db.RemoveNode(t.Context(), "gateway-1", "ann", time.Now(), anyWork))(t)
	_, nodes := tableOf(t, db, "box")
	equal(t, "nodes", nodes, "")
	run(t, db, "box", "account", 1) // the others go on
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8082)))
	table, nodes := tableOf(t, db, "box")
	equal(t, "nodes", nodes, "gateway-1 micro-1")
	equal(t, "port", table.PublicPort, port)
	if other := create(t, db, "other").Port; other == port {
		t.Errorf("port %d was given out twice", port)
	}
}
