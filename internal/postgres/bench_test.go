package postgres_test

import (
	"fmt"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

// BenchmarkAppendLog measures the server's share of a log line's way: one append of 4 KiB.
func BenchmarkAppendLog(b *testing.B) {
	db := postgrestest.New(b)
	data := make([]byte, 4<<10)
	got(db.AppendLog(b.Context(), "s", 0, []byte("x"), false))(b)
	offset := int64(1)
	for b.Loop() {
		offset = got(db.AppendLog(b.Context(), "s", offset, data, false))(b)
	}
}

// BenchmarkDeployment measures the database's share of a warm deployment, beside fifty other sandboxes.
func BenchmarkDeployment(b *testing.B) {
	db := platform(b)
	for i := range 50 {
		create(b, db, fmt.Sprint("box-", i))
	}
	create(b, db, "box")
	n := 0
	for b.Loop() {
		n++
		id := queue(b, db, "box", "account")
		got(db.Job(b.Context(), id))(b)
		for _, s := range []sdp.DeploymentState{sdp.Fetching, sdp.StartingContainer} {
			must(b, db.Publish(b.Context(), id, s, postgres.StateChange{SHA: shaA}, []sdp.Step{{Name: sdp.StepFetch}}))
		}
		must(b, db.PutContainer(b.Context(), container(id, "box", "account", n%250)))
		s := got(db.Serve(b.Context(), id))(b)
		must(b, db.Confirm(b.Context(), id))
		for _, c := range s.Previous {
			must(b, db.SetContainerState(b.Context(), c.Deployment, sdp.Removed))
		}
	}
}

// BenchmarkDesired measures what each node asks for every few seconds, with fifty sandboxes that run something.
func BenchmarkDesired(b *testing.B) {
	db := platform(b)
	for i := range 50 {
		name := fmt.Sprint("box-", i)
		create(b, db, name)
		run(b, db, name, "account", i+2)
	}
	for b.Loop() {
		got(db.Desired(b.Context(), "micro-1"))(b)
	}
}

// BenchmarkSandboxes measures the list of sandboxes that people look at: fifty that run two services each.
func BenchmarkSandboxes(b *testing.B) {
	db := platform(b)
	for i := range 50 {
		name := fmt.Sprint("box-", i)
		create(b, db, name)
		run(b, db, name, "account", 2*i+2)
		run(b, db, name, "payment", 2*i+3)
	}
	for b.Loop() {
		if list, _, err := db.Sandboxes(b.Context(), postgres.SandboxFilter{}, postgres.Page{}); err != nil || len(list) != 50 {
			b.Fatal(len(list), err)
		}
	}
}
