package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/api/rest"
	"sdp/internal/router/journal"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// sound waits until a sandbox is in order in every respect: one container and one row for each service that runs one,
// routers that answer as the database says, nothing under way and nothing left of what came to nothing.
func (i *installation) sound(t *testing.T, box string) rest.Sandbox {
	t.Helper()
	var now rest.Sandbox
	eventually(t, time.Minute, func() error {
		status, text, err := i.request(t, "GET", "/api/v1/sandboxes/"+box, "")
		if err == nil && status == http.StatusOK {
			err = json.Unmarshal([]byte(text), &now)
		}
		if err != nil || status != http.StatusOK {
			return errorf("sandbox %s: %d, %v: %s", box, status, err, text)
		}
		return i.unsound(t, now)
	})
	i.noCheckouts(t)
	return now
}

// unsound says what is not in order.
func (i *installation) unsound(t *testing.T, box rest.Sandbox) error {
	t.Helper()
	var serving []string
	for _, s := range box.Services {
		if s.Serving != nil {
			serving = append(serving, s.Serving.Name)
		}
		if s.Latest != nil && !s.Latest.Settled {
			return errorf("deployment %s of %s is %s", s.Latest.ID, s.Name, s.Latest.State)
		}
	}
	slices.Sort(serving)
	have := i.containers(t, box.Name)
	if slices.Sort(have); !slices.Equal(have, serving) {
		return errorf("sandbox %s has containers %q; %q serve", box.Name, have, serving)
	}
	for query, want := range map[string]int{
		"SELECT count(*) FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id WHERE s.name = $1 AND s.state <> 'DELETED' AND c.state <> 'REMOVED'": len(serving),
		"SELECT count(*) FROM sandboxes WHERE name = $1 AND state <> 'DELETED'":                                                                         1,
		"SELECT count(*) FROM operations o JOIN sandboxes s ON s.id = o.sandbox_id WHERE s.name = $1 AND o.finished_at IS NULL":                         0,
	} {
		if got := i.count(t, query, box.Name); got != want {
			return errorf("sandbox %s: %s: %d, want %d", box.Name, query, got, want)
		}
	}
	return i.misrouted(t, box)
}

// misrouted says in what the routers' tables are not the database's, and which container does not answer.
func (i *installation) misrouted(t *testing.T, box rest.Sandbox) error {
	t.Helper()
	status, text, err := i.request(t, "GET", "/api/v1/sandboxes/"+box.Name+"/routes", "")
	var routes rest.Routes
	if err == nil && status == http.StatusOK {
		err = json.Unmarshal([]byte(text), &routes)
	}
	if err != nil || status != http.StatusOK {
		return errorf("routes of %s: %d, %v: %s", box.Name, status, err, text)
	}
	for _, node := range routes.Nodes {
		table, ok := i.tables(t, node)[box.Name]
		if !ok || table.Version != routes.Version || table.PublicPort != box.Port {
			return errorf("the router of %s has table %d of %s (port %d), the database has %d (port %d)", node, table.Version, box.Name,
				table.PublicPort, routes.Version, box.Port)
		}
		for _, r := range routes.Routes {
			has, _ := table.Route(r.Service)
			deployment := ""
			if has.Target != nil {
				deployment = has.Target.Deployment
			}
			if string(has.Source) != r.Source || deployment != r.Deployment {
				return errorf("the router of %s sends %s to %q %q, the database says %q %q", node, r.Service, has.Source, deployment,
					r.Source, r.Deployment)
			}
		}
	}
	return i.unanswered(box)
}

// unanswered asks each service that runs a container for its version, the way phones do.
func (i *installation) unanswered(box rest.Sandbox) error {
	for _, s := range box.Services {
		if s.Serving == nil || s.Name == box.Gateway || s.Source != string(sdp.SourceSandbox) {
			continue
		}
		a, err := get(box.URL + "/" + s.Name + "/version")
		if err != nil {
			return err
		}
		if said := a.header.Get("X-SDP-Route") + " " + a.body; a.status != http.StatusOK || !strings.Contains(said, sdp.ShortSHA(s.Serving.SHA)) {
			return errorf("%s of %s answers %d, want commit %s: %s", s.Name, box.Name, a.status, s.Serving.SHA, said)
		}
	}
	return nil
}

// gone waits until nothing at all is left of a sandbox that a change was to make, or that was deleted.
func (i *installation) gone(t *testing.T, box string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		if status, text, err := i.request(t, "GET", "/api/v1/sandboxes/"+box, ""); err != nil || status != http.StatusNotFound {
			return errorf("sandbox %s: %d, %v: %s", box, status, err, text)
		}
		if left := i.containers(t, box); len(left) > 0 {
			return errorf("%s left containers %q", box, left)
		}
		if left := i.docker(t, "network", "ls", "--format", "{{.Name}}", "--filter", "name=^sandbox-"+box+`\.`); left != "" {
			return errorf("%s left networks %s", box, left)
		}
		for what, query := range map[string]string{
			"rows":       "SELECT count(*) FROM sandboxes WHERE name = $1 AND state <> 'DELETED'", // and the port with it
			"containers": "SELECT count(*) FROM containers c JOIN sandboxes s ON s.id = c.sandbox_id WHERE s.name = $1 AND c.state <> 'REMOVED'",
			"operations": "SELECT count(*) FROM operations o JOIN sandboxes s ON s.id = o.sandbox_id WHERE s.name = $1 AND o.finished_at IS NULL",
		} {
			if left := i.count(t, query, box); left > 0 {
				return errorf("%s left %d %s in the database", box, left, what)
			}
		}
		for _, node := range []string{"micro-1", "gateway-1"} {
			if _, there := i.tables(t, node)[box]; there {
				return errorf("the router of %s still has %s", node, box)
			}
		}
		return nil
	})
	i.noCheckouts(t)
}

// tables are those a node's router would serve after a restart.
func (i *installation) tables(t *testing.T, node string) map[string]wire.RoutingTable {
	t.Helper()
	state, err := journal.Read(filepath.Join(i.nodeData(node), "router.state"))
	if err != nil {
		t.Fatal(err)
	}
	return state.Tables
}

// nodeData is where a node keeps its data.
func (i *installation) nodeData(node string) string {
	if i.machines != nil {
		return i.machines[node].path("/var/lib/sdp/" + node)
	}
	return filepath.Join(i.data, node)
}

// count runs a query in the installation's database.
func (i *installation) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	conn, err := i.database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (i *installation) database(ctx context.Context) (*pgx.Conn, error) {
	if i.machines != nil {
		return i.machines["control"].database(ctx)
	}
	p, err := newPlaces(&site{installation: i}, nil, time.Time{})
	if err != nil {
		return nil, err
	}
	return p.connect(ctx, "sdp")
}

func (i *installation) noCheckouts(t *testing.T) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		left, err := os.ReadDir(filepath.Join(i.nodeData("micro-1"), "checkouts"))
		if err == nil && len(left) > 0 {
			return errorf("%d checkouts are left", len(left))
		}
		return nil
	})
}
