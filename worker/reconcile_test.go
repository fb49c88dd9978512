package worker

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/internal/logs"
	"sdp/internal/node"
	"sdp/internal/node/gobuild"
	"sdp/internal/router/socket"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// round runs one round and returns what was corrected, as "deployment: what".
func (m *machine) round(r *reconciler) []string {
	m.t.Helper()
	if err := r.round(m.t.Context()); err != nil {
		m.t.Fatal(err)
	}
	var out []string
	for _, c := range m.control.corrections() {
		out = append(out, c.Deployment+": "+c.What)
	}
	return out
}

func (m *machine) reconciler() *reconciler { return &reconciler{agent: m.agent} }

func want(t *testing.T, got []string, prefixes ...string) {
	t.Helper()
	ok := len(got) == len(prefixes)
	for i := range prefixes {
		ok = ok && strings.HasPrefix(got[i], prefixes[i])
	}
	if !ok {
		t.Fatalf("corrected %q, want %q", got, prefixes)
	}
}

func TestNothingToCorrectIsNotReported(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1")
	m.control.wants(m.desired(c))
	r := m.reconciler()
	want(t, m.round(r))
	want(t, m.round(r))
	tables, err := m.router.Tables(t.Context())
	if err != nil || len(tables) != 1 || tables[0].Sandbox != m.sandbox {
		t.Errorf("the router has %+v, %v", tables, err)
	}
	networks, err := m.router.Networks(t.Context())
	if err != nil || networks[m.sandbox].Gateway == "" {
		t.Errorf("the router listens on %+v, %v", networks, err)
	}
}

// A node asks for the tables that its router has not, or not in this version, and for nothing where nothing has changed.
func TestOnlyMissingTablesAreAskedFor(t *testing.T) {
	m := newMachine(t)
	d := desired{}
	for _, name := range []string{"a", "b", "c"} {
		d.tables = append(d.tables, wire.RoutingTable{Sandbox: m.sandbox + name, Version: 1, State: sdp.Active})
	}
	r := m.reconciler()
	asks := func(names ...string) {
		t.Helper()
		m.control.wants(d)
		want(t, m.round(r))
		var sent []string
		m.control.set(func(c *controlPlane) { sent, c.sent = c.sent, nil })
		for i := range names {
			names[i] = m.sandbox + names[i]
		}
		if !slices.Equal(sent, names) {
			t.Fatalf("it asked for %q, want %q", sent, names)
		}
		have, err := m.router.Versions(t.Context())
		if err != nil || have.Digest() != m.control.want.Tables.Digest() {
			t.Fatalf("the router has %+v, %v", have, err)
		}
	}
	asks("a", "b", "c")
	asks()
	d.tables[1].Version++
	asks("b")
	asks()
}

// Containers are looked after while there is no router.
func TestContainerIsStartedWithoutRouter(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1")
	m.control.wants(m.desired(c))
	if err := m.runtime.Stop(t.Context(), c.ID, time.Second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Docker's list to have it stopped", func() bool {
		all, err := m.runtime.List(t.Context())
		return err == nil && len(all) == 1 && all[0].State == "exited"
	})
	m.router = socket.NewClient(t.TempDir() + "/none.sock")
	if err := m.reconciler().round(t.Context()); sdp.AsError(err).Code != "router-down" {
		t.Errorf("error is %v", err)
	}
	if back, found, err := m.runtime.Inspect(t.Context(), c.ID); err != nil || !found || back.State != "running" {
		t.Errorf("the container is %+v, %v", back, err)
	}
}

func TestStoppedContainerIsStartedAgain(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1")
	m.control.wants(m.desired(c))
	if err := m.runtime.Stop(t.Context(), c.ID, time.Second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "Docker's list, which is late by milliseconds on Docker 26, to have it stopped", func() bool {
		all, err := m.runtime.List(t.Context())
		return err == nil && len(all) == 1 && all[0].State == "exited"
	})
	r := m.reconciler()
	if err := r.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	corrections := m.control.corrections()
	if len(corrections) != 1 || !strings.HasPrefix(corrections[0].What, "started its stopped container") || corrections[0].Address == "" ||
		corrections[0].Sandbox != m.sandbox || corrections[0].Service != "account" || corrections[0].Deployment != "d1" {
		t.Fatalf("corrected %+v", corrections)
	}
	back, found, err := m.runtime.Inspect(t.Context(), c.ID)
	if err != nil || !found || back.State != "running" || back.Address != corrections[0].Address {
		t.Errorf("the container is %+v, %v", back, err)
	}
}

func TestContainerThatMovedIsReported(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1")
	d := m.desired(c)
	d.Containers[0].Address = "10.9.9.9:8080"
	m.control.wants(d)
	want(t, m.round(m.reconciler()), "d1: noticed that its container moved to "+c.Address)
	// The table was made for the old address: it must not be applied now.
	if tables, err := m.router.Tables(t.Context()); err != nil || len(tables) > 0 {
		t.Errorf("the router has %+v, %v", tables, err)
	}
}

// Something new may be made between asking the control plane and looking at Docker, so absence counts when seen twice.
func TestContainerThatIsGoneIsNoticedTheSecondTime(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1")
	m.control.wants(m.desired(c))
	if err := m.runtime.Remove(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	r := m.reconciler()
	want(t, m.round(r))
	if err := r.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	corrections := m.control.corrections()
	if len(corrections) != 1 || corrections[0].State != sdp.Removed || corrections[0].Deployment != "d1" {
		t.Errorf("corrected %+v", corrections)
	}
}

func TestOrphansAreRemovedTheSecondTime(t *testing.T) {
	m := newMachine(t)
	m.start("d1")
	m.control.wants(desired{})
	r := m.reconciler()
	want(t, m.round(r))
	if got := m.containers(); !slices.Equal(got, []string{"d1"}) {
		t.Fatalf("after one round there are %q", got)
	}
	want(t, m.round(r), "d1: removed container", ": removed network")
	if got := m.containers(); len(got) > 0 {
		t.Errorf("after two rounds there are %q", got)
	}
	if networks, err := m.runtime.Networks(t.Context()); err != nil || len(networks) > 0 {
		t.Errorf("after two rounds there are networks %+v, %v", networks, err)
	}
}

// A deployment that ended while the node was cut off leaves its checkout there.
func TestCheckoutsOfEndedDeploymentsAreRemoved(t *testing.T) {
	m := newMachine(t)
	dir, commits := keptClone(t)
	m.equip(map[string]node.Repository{"account": {Path: dir}}, gobuild.Toolchain{})
	log, err := m.spool.Create("d1", logs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	job := wire.Job{Deployment: "d1", Sandbox: m.sandbox, Service: "account", Repository: "account", SHA: commits[0]}
	if err := m.node.Sources.Checkout(t.Context(), job, log); err != nil {
		t.Fatal(err)
	}
	checkout := filepath.Join(m.config.Data, "checkouts", "d1")
	underWay := desired{Desired: wire.Desired{Busy: []sdp.ServiceRef{{Sandbox: m.sandbox, Service: "account"}}}}
	r := m.reconciler()
	for _, d := range []desired{underWay, underWay, {}, underWay, {}} {
		m.control.wants(d)
		want(t, m.round(r))
	}
	if _, err := os.Stat(checkout); err != nil {
		t.Fatalf("the checkout of a deployment under way: %v", err)
	}
	want(t, m.round(r), "d1: removed the checkout")
	if _, err := os.Stat(checkout); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the checkout of a deployment that has ended: %v", err)
	}
	want(t, m.round(r))
}

func TestOrphanThatIsWantedAgainInBetweenStays(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1")
	r := m.reconciler()
	for range 3 { // seen too much, but never twice in a row
		m.control.wants(desired{})
		want(t, m.round(r))
		m.control.wants(m.desired(c))
		want(t, m.round(r))
	}
	if got := m.containers(); !slices.Equal(got, []string{"d1"}) {
		t.Errorf("there are %q", got)
	}
}

// While an operation is under way its workflow, not the reconciler, decides.
func TestBusyServicesAreLeftAlone(t *testing.T) {
	for what, busy := range map[string]func(m *machine) sdp.ServiceRef{
		"service": func(m *machine) sdp.ServiceRef { return sdp.ServiceRef{Sandbox: m.sandbox, Service: "account"} },
		"sandbox": func(m *machine) sdp.ServiceRef { return sdp.ServiceRef{Sandbox: m.sandbox} },
	} {
		t.Run(what, func(t *testing.T) {
			m := newMachine(t)
			c := m.start("d1")
			d := m.desired(c)
			d.Containers, d.Busy = nil, []sdp.ServiceRef{busy(m)}
			m.control.wants(d)
			r := m.reconciler()
			for range 3 {
				want(t, m.round(r))
			}
			d = m.desired(c)
			d.Busy = []sdp.ServiceRef{busy(m)}
			m.control.wants(d)
			if err := m.runtime.Stop(t.Context(), c.ID, time.Second); err != nil {
				t.Fatal(err)
			}
			want(t, m.round(r))
			if c, _, err := m.runtime.Inspect(t.Context(), c.ID); err != nil || c.State == "running" {
				t.Errorf("the container is %+v, %v", c, err)
			}
		})
	}
}

func TestContainersOfAnotherInstanceAreNeverTouched(t *testing.T) {
	m := newMachine(t)
	other := *m
	other.agent, other.sandbox = &agent{config: m.config}, sdp.NewID("s")
	other.runtime = dockerOf(t, sdp.NewID("t"))
	t.Cleanup(func() { removeAll(t, other.runtime) })
	other.start("d9")
	m.control.wants(desired{})
	r := m.reconciler()
	for range 3 {
		want(t, m.round(r))
	}
	if got := other.containers(); !slices.Equal(got, []string{"d9"}) {
		t.Errorf("the other instance has %q", got)
	}
}

func TestTableNobodyWantsIsDroppedTheSecondTime(t *testing.T) {
	m := newMachine(t)
	table := wire.RoutingTable{Sandbox: m.sandbox, Version: 1, State: sdp.Active}
	if err := m.router.Apply(t.Context(), table); err != nil {
		t.Fatal(err)
	}
	m.control.wants(desired{})
	r := m.reconciler()
	for round, left := range []int{1, 0} {
		want(t, m.round(r))
		if tables, err := m.router.Tables(t.Context()); err != nil || len(tables) != left {
			t.Errorf("after round %d the router has %+v, %v", round+1, tables, err)
		}
	}
}

// A router has a newer table as soon as a workflow gave it one; what the reconciler read before is stale, and no error.
func TestOlderTableIsNoError(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1")
	d := m.desired(c)
	newer := d.tables[0]
	newer.Version = 7
	if err := m.router.Apply(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	m.control.wants(d)
	want(t, m.round(m.reconciler()))
	if tables, err := m.router.Tables(t.Context()); err != nil || tables[0].Version != 7 {
		t.Errorf("the router has %+v, %v", tables, err)
	}
}

func TestWithoutControlPlaneNothingIsRemoved(t *testing.T) {
	m := newMachine(t)
	m.start("d1")
	m.control.down = true
	r := m.reconciler()
	for range 3 {
		if err := r.round(t.Context()); sdp.KindOf(err) != sdp.Unavailable {
			t.Errorf("got %v, want that the server is unavailable", err)
		}
	}
	if got := m.containers(); !slices.Equal(got, []string{"d1"}) {
		t.Errorf("there are %q", got)
	}
}

// A container that dies is back without anybody waiting for the next tick, which is an hour away.
func TestReconcilerActsOnDockersEvents(t *testing.T) {
	m := newMachine(t)
	c := m.start("d1")
	m.control.wants(m.desired(c))
	ctx, stop := testContext(t)
	ended := make(chan error, 1)
	go func() { ended <- m.reconcile(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the first round", func() bool {
		tables, err := m.router.Tables(t.Context())
		return err == nil && len(tables) == 1
	})
	if out, err := exec.Command("docker", "kill", c.ID).CombinedOutput(); err != nil {
		t.Fatalf("docker kill: %s", out)
	}
	eventually(t, "the container to run again", func() bool {
		back, found, err := m.runtime.Inspect(t.Context(), c.ID)
		return err == nil && found && back.State == "running"
	})
}
