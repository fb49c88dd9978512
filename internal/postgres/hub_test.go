package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// next returns the next event or fails.
func next(t *testing.T, events <-chan postgres.Event) postgres.Event {
	t.Helper()
	select {
	case e, ok := <-events:
		if !ok {
			t.Fatal("the subscription ended")
		}
		return e
	case <-time.After(patience):
		t.Fatal("no event came")
	}
	panic("not reached")
}

func listen(t *testing.T, db *postgres.DB) *postgres.Hub {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	hub := got(db.Listen(ctx))(t)
	t.Cleanup(func() { stop(); <-hub.Done() })
	return hub
}

func TestHubRoutesEvents(t *testing.T) {
	t.Parallel()
	db := platform(t)
	hub := listen(t, db)
	create(t, db, "box")
	create(t, db, "other")
	// By the time a subscriber of "nodes" hears this, the announcements of what was done above are over.
	fence, cancelFence := hub.Subscribe("nodes")
	must(t, db.RegisterNode(t.Context(), micro()))
	next(t, fence)
	cancelFence()

	box, cancelBox := hub.Subscribe("sandbox/box")
	defer cancelBox()
	all, cancelAll := hub.Subscribe("all")
	defer cancelAll()
	log, cancelLog := hub.Subscribe("log/s")
	defer cancelLog()
	got(db.SetRoute(t.Context(), "other", "account", sdp.SourceURL, "http://x/"))(t)
	id := queue(t, db, "box", "account")
	got(db.AppendLog(t.Context(), "s", 0, []byte("hello"), false))(t)

	equal(t, "event of box", next(t, box), postgres.Event{Topic: "deployment/" + id, ID: id, Sandbox: "box"})
	equal(t, "event of box", next(t, box), postgres.Event{Topic: "sandbox/box", ID: "box", Sandbox: "box"})
	equal(t, "first of all", next(t, all).Topic, "sandbox/other")
	equal(t, "event of log", next(t, log), postgres.Event{Topic: "log/s", ID: "s", Offset: 5})
	must(t, db.SetState(t.Context(), id, sdp.Fetching, postgres.StateChange{}))
	equal(t, "event of box", next(t, box).Topic, "deployment/"+id)
}

func TestRefusedChangesAreNotAnnounced(t *testing.T) {
	t.Parallel()
	db := platform(t)
	create(t, db, "box")
	id := queue(t, db, "box", "account")
	must(t, db.SetState(t.Context(), id, sdp.DeployFailed, postgres.StateChange{}))
	hub := listen(t, db)
	all, cancel := hub.Subscribe("all")
	defer cancel()
	if db.SetState(t.Context(), id, sdp.Building, postgres.StateChange{}) == nil {
		t.Fatal("a failed deployment builds")
	}
	must(t, db.Heartbeat(t.Context(), "micro-1", sdp.Heartbeat{NodeHealth: sdp.NodeHealth{DockerError: "down"}}))
	must(t, db.Heartbeat(t.Context(), "micro-1", sdp.Heartbeat{NodeHealth: sdp.NodeHealth{DockerError: "down", Load1: 3}})) // no news
	got(db.SetRoute(t.Context(), "box", "account", sdp.SourceURL, "http://x/"))(t)
	equal(t, "first event", next(t, all).Topic, "nodes")
	equal(t, "second event", next(t, all).Topic, "sandbox/box")
	must(t, db.Audit(t.Context(), sdp.AuditEvent{User: "ann", Action: "route.set", Sandbox: "box", Outcome: sdp.Succeeded, Once: "o"}))
	must(t, db.Audit(t.Context(), sdp.AuditEvent{User: "ann", Action: "route.set", Sandbox: "box", Outcome: sdp.Succeeded, Once: "o"}))
	got(db.CreateEnvironment(t.Context(), postgres.EnvironmentChange{Name: "dev", User: "ann",
		Change: func(postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) {
			return &postgres.EnvironmentContent{}, nil
		}}))(t)
	equal(t, "event of the audit", next(t, all), postgres.Event{Topic: "audit", ID: "box"})
	equal(t, "event of the environment", next(t, all), postgres.Event{Topic: "environment/dev", ID: "dev"})
}

func TestHubReconnects(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	hub := listen(t, db)
	events, cancel := hub.Subscribe("log/s")
	defer cancel()
	for i := range 3 {
		sql(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = 'sdp events'`)
		equal(t, "event", next(t, events).Topic, "resync")
		got(db.AppendLog(t.Context(), "s", int64(i), []byte("x"), false))(t)
		equal(t, "offset", next(t, events).Offset, int64(i+1))
	}
}

func TestSlowSubscriberHoldsUpNobody(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	hub := listen(t, db)
	slow, cancelSlow := hub.Subscribe("log/s", "log/end")
	defer cancelSlow()
	quick, cancelQuick := hub.Subscribe("log/s")
	defer cancelQuick()
	const appends = 500
	for i := range appends {
		got(db.AppendLog(t.Context(), "s", int64(i), []byte("x"), false))(t)
	}
	for next(t, quick).Offset != appends {
	}
	got(db.AppendLog(t.Context(), "end", 0, []byte("x"), false))(t)
	taken := 0
	for e := next(t, slow); e.Topic != "log/end"; e = next(t, slow) {
		taken++
	}
	if taken > 2 { // the one that waited to be taken, and the newest
		t.Fatalf("%d events about one stream waited for a slow subscriber", taken)
	}
}

func TestSubscriptionsEnd(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	hub := got(db.Listen(ctx))(t)
	first, cancel := hub.Subscribe("all")
	cancel()
	cancel()
	wantClosed(t, first)
	second, cancelSecond := hub.Subscribe("all")
	defer cancelSecond()
	stop()
	wantClosed(t, second)
	<-hub.Done()
	late, cancelLate := hub.Subscribe("all")
	defer cancelLate()
	wantClosed(t, late)
}

func wantClosed(t *testing.T, events <-chan postgres.Event) {
	t.Helper()
	select {
	case e, ok := <-events:
		if ok {
			t.Fatalf("got %+v", e)
		}
	case <-time.After(patience):
		t.Fatal("the subscription did not end")
	}
}

func TestHubCarriesManyEvents(t *testing.T) {
	t.Parallel()
	db := postgrestest.New(t)
	hub := listen(t, db)
	var channels []<-chan postgres.Event
	for i := range 50 {
		events, cancel := hub.Subscribe(fmt.Sprint("log/", i))
		defer cancel()
		channels = append(channels, events)
	}
	for i := range channels {
		got(db.AppendLog(t.Context(), fmt.Sprint(i), 0, []byte("x"), true))(t)
	}
	for i, events := range channels {
		equal(t, "event", next(t, events).ID, fmt.Sprint(i))
	}
}
