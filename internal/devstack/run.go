package devstack

import (
	"context"
	"errors"
	"os"
	"syscall"
	"time"

	"sdp/internal/devstack/supervise"
	"sdp/internal/sdp"
)

// How long the parts may take to become ready and to stop. A child that takes longer to stop is killed.
const (
	readyPostgres  = 60 * time.Second // it may have to recover from a crash
	readyTemporald = 90 * time.Second // the first start creates some 40 tables
	readyRole      = 30 * time.Second
	readyOCP       = 5 * time.Minute // it builds all services of the demo
	graceShort     = 5 * time.Second
	graceLong      = 15 * time.Second
	stopHook       = 60 * time.Second
)

const (
	sigInt  = syscall.SIGINT
	sigTerm = syscall.SIGTERM
	sigKill = syscall.SIGKILL
)

// namespace of Temporal that everything of a stack uses.
const namespace = "sdp"

// runner is one run of a stack.
type runner struct {
	cfg      Config
	progress Progress
	stack    Stack
	state    state
	cluster  *cluster
	sup      *supervise.Supervisor
	content  Content
	ocp      *supervise.Keeper // the shared environment, until it was waited for
}

// Run runs the stack until ctx ends, then stops it in order. It returns nil after such a stop, and an error if the
// stack did not start, or Ready failed, after stopping what had been started.
func Run(ctx context.Context, cfg Config, p Progress) (err error) {
	r := &runner{cfg: cfg, progress: p}
	held, err := r.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.release()) }()
	err = r.start(ctx)
	if err == nil {
		<-ctx.Done()
	}
	if ctx.Err() != nil {
		err = nil // interrupted while starting: what follows is an ordinary stop
	}
	return errors.Join(err, r.stop(context.WithoutCancel(ctx)))
}

// open prepares what must be so before anything runs: settings, programs, directories, the lock, and the state.
func (r *runner) open(ctx context.Context) (_ *lock, err error) {
	if r.cfg, err = r.cfg.withDefaults(); err != nil {
		return nil, err
	}
	if r.cfg, err = r.cfg.withBinaries(); err != nil {
		return nil, err
	}
	if r.cfg.NodeToken == nil {
		return nil, errors.New("devstack: Config.NodeToken is required")
	}
	if err := checkDocker(ctx, r.cfg.Docker); err != nil {
		return nil, err
	}
	if err := makeDirectories(describe(r.cfg)); err != nil {
		return nil, err
	}
	held, err := acquire(r.cfg.Data)
	if err != nil {
		return nil, err
	}
	if err := r.settle(ctx); err != nil {
		return nil, errors.Join(err, held.release())
	}
	return held, nil
}

// settle decides ports and names, after what a killed run left behind has gone.
func (r *runner) settle(ctx context.Context) error {
	described := describe(r.cfg)
	if err := settleOrphans(ctx, described.postgresDir()); err != nil {
		return err
	}
	path := described.path("state.json")
	var err error
	if r.state, err = loadState(path); err != nil {
		return err
	}
	if err := r.state.choose(ctx, r.cfg, described.Instance, r.progress.Event); err != nil {
		return err
	}
	if err := r.state.save(path); err != nil {
		return err
	}
	r.stack = newStack(r.cfg, r.state)
	r.sup = supervise.New(r.stack.LogDir, r.progress.Event)
	r.cluster, err = newCluster(r.stack, r.state.Ports[portPostgres])
	return err
}

// stop stops the workers first, so that nothing starts containers again, then the containers, then everything else.
func (r *runner) stop(ctx context.Context) error {
	began := time.Now()
	r.sup.Stop(func(name string) bool { return name == routerName(GatewayNode) })
	var err error
	if r.cfg.StopContainers != nil {
		ctx, cancel := context.WithTimeout(ctx, stopHook)
		defer cancel()
		err = r.step("containers stopped", func() (string, error) { return "", r.cfg.StopContainers(ctx, r.stack) })
	}
	r.sup.Stop(nil)
	r.progress.Done("everything stopped", "", time.Since(began))
	return err
}

// Down stops the stack of cfg.Data if it runs and removes everything of it: containers, networks, images and data. What
// it finds in the data directory that is not SDP's stays there.
func Down(ctx context.Context, cfg Config, p Progress) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	r := &runner{cfg: cfg, progress: p, stack: describe(cfg)}
	_, err = os.Stat(cfg.Data)
	exists := err == nil
	if exists {
		held, err := acquireStopping(ctx, cfg.Data, 2*time.Minute)
		if err != nil {
			return err
		}
		defer func() { _ = held.release() }() // the file may be gone by now
	}
	var errs error
	if cfg.RemoveContainers != nil {
		errs = r.step("containers and networks removed", func() (string, error) {
			return r.stack.Instance, cfg.RemoveContainers(ctx, r.stack)
		})
	}
	if exists {
		errs = errors.Join(errs, r.step("data removed", func() (string, error) { return r.removeData(ctx) }))
	}
	return errs
}

func (r *runner) removeData(ctx context.Context) (detail string, err error) {
	if err := settleOrphans(ctx, r.stack.postgresDir()); err != nil {
		return "", err
	}
	for _, name := range known(r.stack) {
		err = errors.Join(err, os.RemoveAll(r.stack.path(name)))
	}
	if err != nil {
		return "", sdp.Errorf(sdp.Forbidden, "cannot-remove", "removing the data: %w", err).
			WithRemedy("run this as the user who ran `sdp up`")
	}
	others, err := foreign(r.stack)
	if err != nil || len(others) > 0 {
		return "left in " + r.stack.Data + " what is not SDP's", err
	}
	return r.stack.Data, os.Remove(r.stack.Data)
}
