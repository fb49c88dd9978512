package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"sdp/internal/router/socket"
	"sdp/internal/sdp"
	"sdp/internal/wire"
)

// Throughput is measured with this many connections for this long each, in turn.
const (
	routerConnections = 32
	routerSpell       = 3 * time.Second
)

const nginxConfig = `daemon off;
worker_processes auto;
pid %[1]s/nginx.pid;
error_log %[1]s/error.log;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	upstream service { server %[2]s; keepalive 64; }
	server {
		listen %[3]s;
		location / { proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection ""; }
	}
}
`

// routerThroughput compares the router with nginx in front of one upstream. Both get the same clients in turn.
func routerThroughput(ctx context.Context, s *stack) ([]figure, error) {
	upstream, stopUpstream, err := startUpstream()
	if err != nil {
		return nil, err
	}
	defer stopUpstream()
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	viaNginx, viaRouter := fmt.Sprintf("127.0.0.1:%d", ports[0]), fmt.Sprintf("127.0.0.1:%d", ports[1])
	stopNginx, err := startNginx(filepath.Join(s.root, "nginx"), upstream, viaNginx)
	if err != nil {
		return nil, err
	}
	defer stopNginx()
	stopRouter, err := s.startRouter(ctx, upstream, ports[1])
	if err != nil {
		return nil, err
	}
	defer stopRouter()
	for _, address := range []string{viaNginx, viaRouter} {
		if err := waitAnswer(ctx, "http://"+address+"/service/"); err != nil {
			return nil, err
		}
	}
	var ours, theirs []float64
	for range rounds {
		a, err := throughput(ctx, "http://"+viaRouter+"/service/")
		if err != nil {
			return nil, err
		}
		b, err := throughput(ctx, "http://"+viaNginx+"/service/")
		if err != nil {
			return nil, err
		}
		ours, theirs = append(ours, a), append(theirs, b)
	}
	a, b := medianOf(ours), medianOf(theirs)
	return []figure{{name: "router : nginx proxy_pass, 32 connections", ours: fmt.Sprintf("%.0f requests/s", a),
		theirs: fmt.Sprintf("%.0f requests/s", b), ratio: a / b, bar: ">= 0.35", met: a/b >= 0.35}}, nil
}

func medianOf(v []float64) float64 {
	d := make([]time.Duration, len(v))
	for i, x := range v {
		d[i] = time.Duration(x * 1000)
	}
	return float64(median(d)) / 1000
}

// startUpstream answers 1 KiB to everything.
func startUpstream() (address string, stop func(), err error) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	body := make([]byte, 1024)
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(body) })} //nolint:errcheck // a client that left is no problem of the upstream
	go srv.Serve(l)                                                                                                //nolint:errcheck // ends with Close
	return l.Addr().String(), func() { srv.Close() }, nil
}

func freePorts(n int) ([]int, error) {
	var out []int
	for range n {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

func startNginx(dir, upstream, listen string) (stop func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, dir, upstream, listen), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.Command("nginx", "-c", config, "-e", filepath.Join(dir, "error.log")) //nolint:noctx // stopped in order, not killed
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("nginx (install it with `apt-get install nginx`): %w", err)
	}
	return func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() }, nil //nolint:errcheck // it goes with the run
}

// startRouter runs a `sdp router` of its own with one sandbox without a gateway, whose service is the upstream.
func (s *stack) startRouter(ctx context.Context, upstream string, port int) (stop func(), err error) {
	r, err := s.launchRouter(ctx, "router", port, port, upstream)
	if err != nil {
		return nil, err
	}
	table := wire.RoutingTable{Sandbox: "bench", Version: 1, State: sdp.Active, GatewayNode: "bench", PublicPort: port,
		Services: []wire.ServiceRoute{{Service: "service", Port: 80, Source: sdp.SourceURL, URL: "http://" + upstream}}}
	if err := r.control.Apply(ctx, table); err != nil {
		r.stop()
		return nil, err
	}
	return r.stop, nil
}

// router is a `sdp router` that runs.
type router struct {
	control *socket.Client
	cmd     *exec.Cmd
}

func (r *router) stop() { r.cmd.Process.Signal(os.Interrupt); r.cmd.Wait() } //nolint:errcheck // it goes with the run

// launchRouter runs a `sdp router` with a data directory of that name and waits until it answers.
func (s *stack) launchRouter(ctx context.Context, name string, first, last int, allow string) (*router, error) {
	mesh, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	dir, config := filepath.Join(s.root, name), filepath.Join(s.root, name+".yaml")
	text := fmt.Sprintf("node: bench\ntype: GATEWAY\naddress: 127.0.0.1\ndata: %s\nmeshPort: %d\nports: %d-%d\n"+
		"server: {url: %s, tokenFile: %s}\ncodecKeys: %s\nroutes: {allow: [%q]}\n", dir, mesh[0], first, last, s.url, config, config, allow)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return nil, err
	}
	r := &router{control: socket.NewClient(filepath.Join(dir, "router.sock")),
		cmd: exec.Command(s.binary, "router", "--config", config)} //nolint:noctx // stopped in order, not killed
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	for {
		_, err := r.control.Health(ctx)
		if err == nil {
			return r, nil
		}
		if sdp.KindOf(err) != sdp.Unavailable || ctx.Err() != nil {
			r.stop()
			return nil, err
		}
		time.Sleep(20 * time.Millisecond) // the process is starting
	}
}

func waitAnswer(ctx context.Context, url string) error {
	for range 200 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(20 * time.Millisecond) // the process is starting
	}
	return errors.New(url + " does not answer 200")
}

// throughput returns how many requests per second 32 connections get through. A failed request is an error.
func throughput(ctx context.Context, url string) (float64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: routerConnections, DisableCompression: true}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, routerSpell)
	defer cancel()
	var done atomic.Int64
	var failure atomic.Pointer[error]
	var group sync.WaitGroup
	began := time.Now()
	for range routerConnections {
		group.Go(func() {
			for ctx.Err() == nil {
				if err := fetch(ctx, client, url); err != nil && ctx.Err() == nil {
					failure.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	group.Wait()
	if err := failure.Load(); err != nil {
		return 0, *err
	}
	return float64(done.Load()) / time.Since(began).Seconds(), nil
}

func fetch(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}
