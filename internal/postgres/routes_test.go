package postgres_test

import (
	"errors"
	"sync"
	"testing"

	"sdp/internal/sdp"
)

func TestTableCoversEveryKnownService(t *testing.T) {
	t.Parallel()
	db := platform(t)
	before := create(t, db, "box")
	table, nodes := tableOf(t, db, "box")
	equal(t, "version", table.Version, before.RouteVersion)
	equal(t, "public port", table.PublicPort, 8080)
	equal(t, "nodes", nodes, "gateway-1") // nothing of it is on micro-1 yet
	equal(t, "number of services", len(table.Services), 4)
	account := route(t, table, "account")
	equal(t, "account", account.Upstream(), sdp.Upstream{Service: "account", Port: 8080, Source: sdp.SourceOCP, URL: "http://ocp/account"})
	if r := route(t, table, "ledger"); r.Source != sdp.SourceOCP || r.URL != "" || r.Reason == "" {
		t.Fatalf("a service nobody serves is routed %+v", r)
	}
	_, _, err := db.Table(t.Context(), "nope")
	wantCode(t, err, sdp.NotFound, "sandbox-not-found")
}

func TestSetRoute(t *testing.T) {
	t.Parallel()
	db := platform(t)
	before := create(t, db, "box").RouteVersion
	version := got(db.SetRoute(t.Context(), "box", "account", sdp.SourceURL, "http://10.1.2.3/x"))(t)
	equal(t, "version", version, before+1)
	table, _ := tableOf(t, db, "box")
	equal(t, "URL", route(t, table, "account").URL, "http://10.1.2.3/x")
	equal(t, "version in table", table.Version, version)

	got(db.SetRoute(t.Context(), "box", "account", sdp.SourceSandbox, ""))(t)
	table, _ = tableOf(t, db, "box")
	equal(t, "reason", route(t, table, "account").Reason, "account was not deployed to this sandbox")
	got(db.SetRoute(t.Context(), "box", "account", sdp.SourceOCP, "ignored"))(t)
	table, _ = tableOf(t, db, "box")
	equal(t, "URL", route(t, table, "account").URL, "http://ocp/account")

	_, err := db.SetRoute(t.Context(), "box", "nope", sdp.SourceOCP, "")
	wantCode(t, err, sdp.NotFound, "service-not-found")
	_, err = db.SetRoute(t.Context(), "box", "ledger", sdp.SourceOCP, "")
	wantCode(t, err, sdp.Conflict, "not-in-ocp")
	_, err = db.SetRoute(t.Context(), "nope", "account", sdp.SourceOCP, "")
	wantCode(t, err, sdp.NotFound, "sandbox-not-found")
	for _, bad := range []string{"", "ftp://x/", "/just/a/path", "http://", "http://%zz/"} {
		_, err = db.SetRoute(t.Context(), "box", "account", sdp.SourceURL, bad)
		wantCode(t, err, sdp.Invalid, "bad-url")
	}
}

func TestEveryChangeOfRoutesHasItsOwnVersion(t *testing.T) {
	t.Parallel()
	db := platform(t)
	before := create(t, db, "box").RouteVersion
	const changes = 50
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[int64]bool{}
	var errs error
	for range changes {
		wg.Go(func() {
			v, err := db.SetRoute(t.Context(), "box", "account", sdp.SourceURL, "http://10.1.2.3/")
			mu.Lock()
			defer mu.Unlock()
			seen[v], errs = true, errors.Join(errs, err)
		})
	}
	wg.Wait()
	must(t, errs)
	for v := before + 1; v <= before+changes; v++ {
		if !seen[v] {
			t.Fatalf("version %d was given out to nobody", v)
		}
	}
}
