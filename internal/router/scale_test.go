package router

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/router/socket"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// manySandboxes is how many a router is to bear, each with manyServices services of which two have a container.
const (
	manySandboxes = 5000
	manyServices  = 10
	manyFirstPort = 20001
)

// manyTable is the table of the nth of many sandboxes on gateway node n1.
func manyTable(n int) wire.RoutingTable {
	name := fmt.Sprintf("many-%04d", n)
	t := wire.RoutingTable{Sandbox: name, Version: 1, State: sdp.Active, GatewayNode: "n1", PublicPort: manyFirstPort + n, Gateway: "service-0"}
	for i := range manyServices {
		service := fmt.Sprintf("service-%d", i)
		r := wire.ServiceRoute{Service: service, Port: 8080 + i, Source: sdp.SourceOCP, URL: "http://" + service + ".apps.ocp.example.com/api"}
		if i < 2 {
			r.Source, r.URL = sdp.SourceSandbox, ""
			r.Target = &wire.Target{Node: fmt.Sprintf("n%d", i+1), NodeAddress: "10.1.1.2:7711", SHA: sha1,
				Address: fmt.Sprintf("10.213.%d.%d:8080", n/250, n%250+2), Deployment: fmt.Sprintf("d-%04d-%d", n, i)}
		}
		t.Services = append(t.Services, r)
	}
	return t
}

// writeManyState writes a state of many sandboxes as the router wrote it before it had a log.
func writeManyState(t testing.TB, dir string) {
	t.Helper()
	s := wire.RouterState{Format: 1, Node: "n1", Tables: map[string]wire.RoutingTable{}, Networks: map[string]wire.Network{},
		Targets: map[string]wire.TargetState{}}
	for n := range manySandboxes {
		table := manyTable(n)
		target := table.Services[0].Target
		s.Tables[table.Sandbox] = table
		s.Targets[target.Deployment] = wire.TargetState{Deployment: target.Deployment, Address: target.Address}
	}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, stateName), raw, 0o600); err != nil {
		t.Fatal(err)
	}
}

// memoryOf is the resident memory of a process in MB.
func memoryOf(t testing.TB, pid int) float64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	var kB float64
	_, line, _ := strings.Cut(string(raw), "VmRSS:")
	if _, err := fmt.Sscan(line, &kB); err != nil {
		t.Fatal(err)
	}
	return kB / 1024
}

// BenchmarkManySandboxes is what one change costs a router that serves many sandboxes, and before that how long such a router
// takes to start, and what memory it needs.
func BenchmarkManySandboxes(b *testing.B) {
	dir := shortTempDir(b)
	writeManyState(b, dir)
	began := time.Now()
	process := startProcess(b, dir)
	started := time.Since(began)
	control := socket.NewClient(filepath.Join(dir, socket.Name))
	defer control.Close()
	n := 0
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			n++
			table := manyTable(n % manySandboxes)
			table.Version = int64(n/manySandboxes + 2)
			if err := control.Apply(b.Context(), table); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(started.Seconds(), "s-to-start")
		b.ReportMetric(memoryOf(b, process.Process.Pid), "MB")
	})
	b.Run("target", func(b *testing.B) {
		for b.Loop() {
			n++
			moved := wire.TargetState{Deployment: fmt.Sprintf("d-%04d-0", n%manySandboxes), Address: fmt.Sprintf("10.214.%d.%d:80", n/250%250, n%250)}
			if err := control.SetTargets(b.Context(), []wire.TargetState{moved}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
