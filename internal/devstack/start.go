package devstack

import (
	"context"
	"net"
	"net/url"
	"path/filepath"
	"strconv"

	"sdp/internal/devstack/supervise"
	"sdp/internal/sdp"
)

func serverName() string            { return "server" }
func routerName(node string) string { return "router-" + node }
func workerName(node string) string { return "worker-" + node }

// step is one step of a start; it returns the detail shown beside its name.
type step struct {
	name string
	run  func(context.Context) (string, error)
}

// start starts everything, each part once those it needs are ready.
func (r *runner) start(ctx context.Context) error {
	steps := []step{{"PostgreSQL", r.startPostgres}, {"Temporal", r.startTemporald}}
	if r.cfg.Demo {
		steps = append(steps, step{"demo git server", r.startGit}, step{"demo repositories", r.seed},
			step{"demo shared environment builds", r.launchOCP})
	}
	steps = append(steps,
		step{"configuration", r.configure}, step{"database schema", r.migrate}, step{"server", r.startServer})
	for _, node := range r.stack.Nodes {
		steps = append(steps, step{"router " + node, r.startRouter(node)})
	}
	for _, node := range r.stack.Nodes {
		steps = append(steps, step{"worker " + node, r.startWorker(node)})
	}
	if r.cfg.Demo {
		steps = append(steps, step{"demo shared environment", r.awaitOCP})
	}
	for _, s := range steps {
		if err := r.step(s.name, func() (string, error) { return s.run(ctx) }); err != nil {
			return err
		}
	}
	if r.cfg.Ready == nil {
		return nil
	}
	return r.cfg.Ready(ctx, r.stack, r.progress)
}

func (r *runner) startPostgres(ctx context.Context) (string, error) {
	if err := r.cluster.create(ctx, r.sup); err != nil {
		return "", err
	}
	if err := r.sup.Start(ctx, r.cluster.child()); err != nil {
		return "", err
	}
	return "version " + r.cluster.version() + " on " + loopback(r.state.Ports[portPostgres]), r.cluster.populate(ctx)
}

func (r *runner) startTemporald(ctx context.Context) (string, error) {
	address, health := loopback(r.state.Ports[portTemporal]), loopback(r.state.Ports[portHealth])
	uiHost := "127.0.0.1"
	if host, _, err := net.SplitHostPort(r.state.Listen); err == nil && r.cfg.Listen != "" {
		uiHost = host // who opens the dashboard to others wants its links to Temporal to work as well
	}
	return r.stack.UI, r.sup.Start(ctx, supervise.Child{
		Name: "temporald",
		Argv: []string{
			r.cfg.Temporald, "--listen", address, "--health-listen", health, "--namespace", namespace,
			"--ui-listen", net.JoinHostPort(uiHost, strconv.Itoa(r.state.Ports[portUI])),
			"--codec-endpoint", r.stack.URL + "/codec",
			"--postgres", loopback(r.state.Ports[portPostgres]), "--postgres-user", roleTemporal,
			"--postgres-password-file", r.stack.passwordFile(roleTemporal),
		},
		Ready: supervise.Answers("http://" + health + "/readyz"), Patience: readyTemporald,
		End: sigTerm, Death: sigKill, Grace: graceLong,
	})
}

func (r *runner) startGit(ctx context.Context) (string, error) {
	address, _ := url.Parse(r.stack.Demo.GitURL)
	return r.stack.Demo.GitURL, r.sup.Start(ctx, r.role("demo-git",
		supervise.Answers(r.stack.Demo.GitURL+"/healthz"),
		"demo", "git", "--listen", address.Host, "--root", r.stack.Demo.GitRoot))
}

func (r *runner) seed(ctx context.Context) (string, error) {
	if r.cfg.Seed == nil {
		return "", nil
	}
	content, err := r.cfg.Seed(ctx, r.stack)
	r.content = content
	return r.stack.Demo.Clones, err
}

// launchOCP starts the shared environment without waiting: it builds its services while the rest starts.
func (r *runner) launchOCP(ctx context.Context) (string, error) {
	d := r.stack.Demo
	c := r.role("demo-ocp", supervise.Answers("http://"+loopback(d.OCPPort)+"/healthz"),
		"demo", "ocp", "--listen-host", d.OCPHost, "--base-port", strconv.Itoa(d.OCPPort),
		"--clones", d.Clones, "--data", d.OCPData)
	c.Patience = readyOCP
	var err error
	r.ocp, err = r.sup.Launch(c)
	return "", err
}

func (r *runner) awaitOCP(ctx context.Context) (string, error) {
	return "http://" + loopback(r.stack.Demo.OCPPort), r.ocp.AwaitReady(ctx)
}

func (r *runner) configure(context.Context) (string, error) {
	if err := writeTokens(r.stack, r.cfg.NodeToken); err != nil {
		return "", err
	}
	return filepath.Dir(r.stack.Config["server"]), writeConfigs(r.stack, r.state, r.content)
}

func (r *runner) migrate(ctx context.Context) (string, error) {
	return "", r.sup.Run(ctx, r.role("migrate", nil, "migrate", "--config", r.stack.Config["server"]))
}

func (r *runner) startServer(ctx context.Context) (string, error) {
	ready := supervise.Answers("http://" + reachable(r.state.Listen, "127.0.0.1") + "/readyz")
	return r.stack.URL, r.sup.Start(ctx, r.role(serverName(), ready, "server", "--config", r.stack.Config["server"]))
}

func (r *runner) startRouter(node string) func(context.Context) (string, error) {
	detail := ""
	if nodeType(node) == sdp.Gateway {
		detail = "sandbox ports " + r.stack.Ports
	}
	ready := supervise.Accepts("unix", r.stack.path(node, "router.sock"))
	return func(ctx context.Context) (string, error) {
		return detail, r.sup.Start(ctx, r.role(routerName(node), ready, "router", "--config", r.stack.Config[node]))
	}
}

func (r *runner) startWorker(node string) func(context.Context) (string, error) {
	c, out := r.role(workerName(node), nil, "worker", "--config", r.stack.Config[node]), ""
	if r.cfg.NodeReady != nil {
		c.Ready = func(ctx context.Context) (err error) {
			out, err = r.cfg.NodeReady(ctx, r.stack, node)
			return err
		}
	}
	return func(ctx context.Context) (string, error) {
		err := r.sup.Start(ctx, c)
		return out, err
	}
}

// role describes a child that runs sdp itself.
func (r *runner) role(name string, ready func(context.Context) error, args ...string) supervise.Child {
	return supervise.Child{
		Name: name, Argv: append([]string{r.cfg.Binary}, args...), Dir: r.stack.Data,
		Ready: ready, Patience: readyRole, End: sigTerm, Death: sigKill, Grace: graceLong,
	}
}
