package e2e

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// patient has the server wait for its database as long as it does by default.
func (s stores) patient(t *testing.T) {
	t.Helper()
	path := filepath.Join(s.data, "config", "server.yaml")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), "patience: 2s", "patience: 10m", 1)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.kill(t, "sdp server")
	eventually(t, time.Minute, s.ready)
}

// readOnly has PostgreSQL take no changes for a while, as a standby does before it is promoted. Connections stay.
func (s stores) readOnly(t *testing.T) {
	s.patient(t)
	serving := keepAsking(t, s.box.URL+"/held/")
	d := s.atTheGate(t, s.box, "feature/next")
	s.sql(t, "postgres", "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
	eventually(t, time.Minute, func() error {
		if err := s.ready(); err == nil || !strings.Contains(err.Error(), "takes no changes") {
			return errorf("/readyz does not tell: %v", err)
		}
		return nil
	})
	s.gate.open(s.box.Name)
	s.fails(t, 1, []string{"PostgreSQL takes no changes", "promotes it if it is a standby"}, "env", "create", "some", "A=b")
	s.refuses(t, "database-read-only")
	if now := s.deployment(t, s.box.Name, d.ID); now.Settled {
		t.Errorf("the deployment is %s: %+v", now.State, now.Failure)
	}
	s.sql(t, "postgres", "ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
	eventually(t, time.Minute, s.ready)
	s.waitState(t, s.box.Name, d.ID, 2*time.Minute, sdp.Running)
	s.goesOn(t, s.box)
	serving()
}

// refuses wants the API to refuse a change for now, because of the database.
func (s stores) refuses(t *testing.T, code string) {
	t.Helper()
	status, text, err := s.request(t, "POST", "/api/v1/environments", `{"name":"some"}`)
	if err != nil || status != http.StatusServiceUnavailable || !strings.Contains(text, `"`+code+`"`) {
		t.Errorf("it answers %d, want 503 and %s; %v\n%s", status, code, err, text)
	}
}

// diskFull fills the disk of PostgreSQL, until that ends itself, while a service prints more than fits.
func (s stores) diskFull(t *testing.T) {
	disk := s.limitDatabase(t)
	serving := keepAsking(t, s.box.URL+"/held/")
	const lines = 50_000
	box := s.newSandbox(t, "variables: {GATE: '"+s.gate.url+"', LINES: '"+strconv.Itoa(lines)+"'}\n")
	d := s.atTheGate(t, box, "main")
	empty := fill(t, disk, 0)
	large := given(t, sdp.NewID("")+strings.Repeat("x", 120<<10))
	s.fails(t, 1, []string{"the database's disk is full", "frees space on the machine that runs PostgreSQL"},
		"env", "create", "some", "--file", "/etc/some/file="+large)
	s.gate.open(box.Name)
	s.logged(t, "worker-micro-1", "the database's disk is full")
	s.useUpWAL(t)
	empty()
	eventually(t, time.Minute, s.ready)
	s.waitState(t, box.Name, d.ID, 2*time.Minute, sdp.Running)
	s.printed(t, box, lines)
	s.sound(t, box.Name)
	s.goesOn(t, s.box)
	serving()
}

// logged waits until a process has logged something.
func (s stores) logged(t *testing.T, process, text string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		raw, err := os.ReadFile(filepath.Join(s.data, "log", process+".log"))
		if err == nil && !strings.Contains(string(raw), text) {
			err = errorf("%s has not logged %q", process, text)
		}
		return err
	})
}

// limitDatabase gives PostgreSQL's data a small file system of its own, which goes with the site.
func (s stores) limitDatabase(t *testing.T) (dir string) {
	t.Helper()
	dir, disk := filepath.Join(s.data, "postgres"), filepath.Join(filepath.Dir(s.data), "disk")
	s.withoutPostgres(t, func() {
		out, err := []byte(nil), errors.Join(os.Mkdir(disk, 0o700), syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=500m"))
		if err == nil {
			out, err = exec.Command("cp", "-a", "--", dir+"/.", disk).CombinedOutput()
			err = errors.Join(err, syscall.Mount(disk, dir, "", syscall.MS_BIND, ""), syscall.Unmount(disk, 0))
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		s.atEnd = append(s.atEnd, func() error { return syscall.Unmount(dir, 0) })
	})
	return dir
}

// useUpWAL has PostgreSQL begin one file of its log after the other until it cannot make another, which it takes for reason
// enough to end.
func (s stores) useUpWAL(t *testing.T) {
	t.Helper()
	conn, err := s.places(t).connect(t.Context(), "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	eventually(t, time.Minute, func() error {
		_, err := conn.Exec(t.Context(), "SELECT pg_logical_emit_message(false, 'e2e', 'x')", pgx.QueryExecModeSimpleProtocol)
		if err == nil {
			_, err = conn.Exec(t.Context(), "SELECT pg_switch_wal()", pgx.QueryExecModeSimpleProtocol)
		}
		if !conn.IsClosed() {
			return errorf("PostgreSQL goes on: %v", err)
		}
		return nil
	})
}

var printedLine = regexp.MustCompile(`(?m)line (\d+) [0-9a-f]{64}$`)

// printed waits until the log of a service has each line that it printed, once and in order.
func (s stores) printed(t *testing.T, box rest.Sandbox, lines int) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		found := printedLine.FindAllStringSubmatch(s.ok(t, "logs", box.Name+"/held"), -1)
		for i, line := range found {
			if line[1] != strconv.Itoa(i) {
				return permanent{errorf("line %d of the log is %q", i, line[0])}
			}
		}
		if len(found) != lines {
			return errorf("the log has %d lines, want %d", len(found), lines)
		}
		return nil
	})
}
