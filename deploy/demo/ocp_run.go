package demo

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"sdp/deploy/base"
	"sdp/internal/sdp"
)

// OCPConfig says how RunOCP serves. It has a flag for each field in `sdp demo ocp`.
type OCPConfig struct {
	ListenHost string // --listen-host: "127.0.0.1"
	BasePort   int    // --base-port: /healthz of the whole; the services follow, see URL
	Clones     string // --clones: directory Seed has filled
	Data       string // --data: binaries, sources and output of the services; created if missing
}

// OCPServices lists what the shared environment serves, in the order of their ports: BasePort+1, BasePort+2, ...
// There is no repository for notification: only the shared environment has it.
func OCPServices() []string { return []string{"account", "payment", "user", "notification", "gateway"} }

// URL is where the shared environment serves a service ("http://127.0.0.1:7802"); "" is its own /healthz.
func (c OCPConfig) URL(service string) string {
	host := c.ListenHost
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(c.port(service)))
}

// port is BasePort for a service there is not, "" included.
func (c OCPConfig) port(service string) int {
	return c.BasePort + 1 + slices.Index(OCPServices(), service)
}

func (c OCPConfig) address(service string) string {
	return net.JoinHostPort(c.ListenHost, strconv.Itoa(c.port(service)))
}

// RunOCP builds main of each repository, runs it as a child process, restarts what exits, and serves until ctx ends:
// `sdp demo ocp`. It logs "Ready" once, when every service is healthy; GET <URL("")>/healthz then answers 200 (503
// while a service is down). Children are stopped before it returns, and die with it if it is killed. It returns nil
// after ctx has ended.
func RunOCP(ctx context.Context, cfg OCPConfig) error {
	data, err := makeDir(cfg.Data)
	if err != nil {
		return sdp.Errorf(sdp.Internal, "bad-data-directory", "the shared environment's data directory: %w", err)
	}
	cfg.Data = data
	control, notification, err := cfg.listen(ctx)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return serve(ctx, control, cfg.control()) })
	group.Go(func() error { return serve(ctx, notification, notificationHandler()) })
	group.Go(func() error {
		children, err := cfg.prepare(ctx)
		if err != nil {
			return unlessEnded(ctx, err)
		}
		for _, c := range children {
			group.Go(func() error { return c.supervise(ctx) })
		}
		return unlessEnded(ctx, cfg.announce(ctx, children))
	})
	return group.Wait()
}

// unlessEnded drops an error that only says that ctx has ended.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // told to stop
	}
	return err
}

func (c OCPConfig) listen(ctx context.Context) (control, notification net.Listener, err error) {
	if control, err = listen(ctx, c.address("")); err != nil {
		return nil, nil, err
	}
	if notification, err = listen(ctx, c.address("notification")); err != nil {
		control.Close()
		return nil, nil, err
	}
	return control, notification, nil
}

// prepare builds every service that has a repository.
func (c OCPConfig) prepare(ctx context.Context) ([]*child, error) {
	repositories := Repositories(c.Clones)
	children := make([]*child, len(repositories))
	group, ctx := errgroup.WithContext(ctx)
	for i, r := range repositories {
		group.Go(func() (err error) {
			children[i], err = c.child(ctx, r)
			return err
		})
	}
	return children, group.Wait()
}

// child builds main of a repository and says how to run it.
func (c OCPConfig) child(ctx context.Context, r Repository) (*child, error) {
	sha, source, err := exportMain(ctx, r, filepath.Join(c.Data, "src"))
	if err != nil {
		return nil, err
	}
	made := &child{
		name:   r.Name,
		dir:    source,
		env:    c.environment(r.Name, sha),
		url:    c.URL(r.Name),
		listen: c.address(r.Name),
		output: filepath.Join(c.Data, r.Name+".log"),
		proven: make(chan struct{}),
	}
	if r.Kind == "go" {
		binary := filepath.Join(c.Data, "bin", r.Name+"-"+sdp.ShortSHA(sha))
		made.command = []string{binary}
		return made, buildGo(ctx, source, r.Build, binary)
	}
	php, err := base.FindPHP()
	made.command = []string{php, filepath.Join(source, "serve.php")}
	return made, err
}

// environment is what a service of the shared environment finds in its environment.
func (c OCPConfig) environment(service, sha string) []string {
	env := []string{
		"PATH=" + hostPath(), "HOME=" + c.Data, "LOG_LEVEL=warn", "APP_ENVIRONMENT=ocp", "SDP_SHA=" + sha, "SDP_BRANCH=main",
		"HOST=" + c.ListenHost, "PORT=" + strconv.Itoa(c.port(service)),
	}
	for _, other := range OCPServices() {
		env = append(env, strings.ToUpper(other)+"_URL="+c.URL(other))
	}
	return env
}

// announce logs "Ready" when every child is healthy.
func (c OCPConfig) announce(ctx context.Context, children []*child) error {
	for _, child := range children {
		if err := child.waitHealthy(ctx); err != nil {
			return err
		}
	}
	attrs := []any{"service", "ocp", "url", c.URL("")}
	for _, s := range OCPServices() {
		attrs = append(attrs, s, c.URL(s))
	}
	slog.Info("Ready", attrs...)
	return nil
}

// control answers /healthz of the whole and lists the services at /.
func (c OCPConfig) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		for _, s := range OCPServices() {
			if err := probe(r.Context(), c.URL(s)); err != nil {
				http.Error(w, s+": "+err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		w.Write([]byte("ok\n"))
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		urls := map[string]string{}
		for _, s := range OCPServices() {
			urls[s] = c.URL(s)
		}
		replyJSON(w, urls)
	})
	return mux
}
