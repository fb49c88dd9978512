package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// What a router with many sandboxes is measured with. The ports are below those that the kernel gives out.
const (
	scaleSandboxes = 5000
	scaleServices  = 10
	scaleFirstPort = 20_001
	scaleMore      = 100 // tables applied then
)

// routerScale measures what a router with 5,000 sandboxes needs, each with ten services of which two run a container: its
// start, one more table, and its memory.
func routerScale(ctx context.Context, s *stack) ([]figure, error) {
	launch := func() (*router, error) {
		return s.launchRouter(ctx, "scale", scaleFirstPort, scaleFirstPort+2*scaleSandboxes, "127.0.0.1:1")
	}
	r, err := launch()
	if err != nil {
		return nil, err
	}
	ports, err := scaleFill(ctx, r)
	r.stop()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if r, err = launch(); err != nil {
		return nil, err
	}
	defer r.stop()
	start := time.Since(began)
	var applied []time.Duration
	for n := range scaleMore {
		began := time.Now()
		if err := r.control.Apply(ctx, scaleTable(n, ports[n], 2)); err != nil {
			return nil, err
		}
		applied = append(applied, time.Since(began))
	}
	memory, err := residentMB(r.cmd.Process.Pid)
	one := median(applied)
	const router = "router with 5,000 sandboxes: "
	return []figure{
		{name: router + "start", ours: show(start), theirs: "-", bar: "<= 5 s", met: start <= 5*time.Second},
		{name: router + "one more table", ours: fmt.Sprintf("%.1f ms", float64(one.Microseconds())/1000), theirs: "-", bar: "<= 2 ms",
			met: one <= 2*time.Millisecond},
		{name: router + "memory", ours: fmt.Sprintf("%.0f MB", memory), theirs: "-", bar: "<= 150 MB", met: memory <= 150},
	}, err
}

// scaleFill gives the router all tables and returns the ports of the sandboxes, which nobody else has.
func scaleFill(ctx context.Context, r *router) (ports []int, err error) {
	for port := scaleFirstPort; len(ports) < scaleSandboxes; port++ {
		err := r.control.Apply(ctx, scaleTable(len(ports), port, 1))
		switch {
		case err == nil:
			ports = append(ports, port)
		case sdp.AsError(err).Code != "port-held":
			return nil, err
		}
	}
	return ports, nil
}

func scaleTable(n, port int, version int64) wire.RoutingTable {
	t := wire.RoutingTable{Sandbox: fmt.Sprintf("scale-%04d", n), Version: version, State: sdp.Active, GatewayNode: "bench",
		PublicPort: port, Gateway: "service-0"}
	for i := range scaleServices {
		service := fmt.Sprintf("service-%d", i)
		r := wire.ServiceRoute{Service: service, Port: 8080, Source: sdp.SourceOCP, URL: "http://" + service + ".apps.example.com/api"}
		if i < 2 {
			r.Source, r.URL = sdp.SourceSandbox, ""
			r.Target = &wire.Target{Node: []string{"bench", "micro-1"}[i], NodeAddress: "127.0.0.1:7711", SHA: strings.Repeat("1", 40),
				Address: fmt.Sprintf("10.213.%d.%d:8080", n/250, n%250+2), Deployment: fmt.Sprintf("d-%04d-%d", n, i)}
		}
		t.Services = append(t.Services, r)
	}
	return t
}

// residentMB is the memory of a process that is in RAM.
func residentMB(pid int) (float64, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	_, line, _ := strings.Cut(string(raw), "VmRSS:")
	var kB float64
	_, err = fmt.Sscan(line, &kB)
	return kB / 1024, err
}
