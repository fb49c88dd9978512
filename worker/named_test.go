package worker

import (
	"slices"
	"testing"

	"go.temporal.io/sdk/testsuite"

	"sdp/activities"
	"sdp/internal/failure"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// route has the node's router serve a table, as a workflow does.
func (m *machine) route(table wire.RoutingTable) error {
	var suite testsuite.WorkflowTestSuite
	env := suite.NewTestActivityEnvironment()
	host, err := activities.NewHost(m.node, m.server, m.t.TempDir())
	if err != nil {
		return err
	}
	env.RegisterActivity(host)
	_, err = env.ExecuteActivity((*activities.Host)(nil).Route, wire.RouteInput{Table: table})
	return err
}

// A workflow names a table; the node gets it, or a later one, from the server. One that a workflow of before has with it is
// served as it is.
func TestNamedTableComesFromTheServer(t *testing.T) {
	m := newMachine(t)
	d := m.desired(m.start("d1"))
	d.tables[0].Version = 7
	m.control.wants(d)
	served := func() int64 {
		t.Helper()
		tables, err := m.router.Tables(t.Context())
		if err != nil || len(tables) != 1 || len(tables[0].Services) != 1 {
			t.Fatalf("the router has %+v, %v", tables, err)
		}
		return tables[0].Version
	}
	asked := func() (sent []string) {
		m.control.set(func(c *controlPlane) { sent, c.sent = c.sent, nil })
		return sent
	}
	named := d.tables[0].Name()
	named.Version = 6
	if err := m.route(named); err != nil || served() != 7 || !slices.Equal(asked(), []string{m.sandbox}) {
		t.Errorf("serves %d, error %v", served(), err)
	}
	whole := d.tables[0]
	whole.Version = 8
	if err := m.route(whole); err != nil || served() != 8 || len(asked()) != 0 {
		t.Errorf("serves %d, error %v", served(), err)
	}
	unknown := named
	unknown.Sandbox = "gone"
	if f, ok := failure.Of(m.route(unknown)); !ok || f.Code != "sandbox-not-found" {
		t.Errorf("of a sandbox that is gone: %+v", f)
	}
	if err := m.router.Apply(t.Context(), named); sdp.AsError(err).Code != "bad-table" {
		t.Errorf("a router serves a table that is named: %v", err)
	}
}

// Without the server there is no switch, and who looks at the deployment reads why.
func TestNamedTableWithoutServer(t *testing.T) {
	m := newMachine(t)
	d := m.desired(m.start("d1"))
	m.control.set(func(c *controlPlane) { c.down = true })
	f, ok := failure.Of(m.route(d.tables[0].Name()))
	if !ok || f.Kind != sdp.Unavailable {
		t.Errorf("failure %+v", f)
	}
	if tables, err := m.router.Tables(t.Context()); err != nil || len(tables) != 0 {
		t.Errorf("the router has %+v, %v", tables, err)
	}
}
