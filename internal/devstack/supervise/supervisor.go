package supervise

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"sdp/internal/sdp"
)

// A child that dies is started again after firstPause; each time it dies again the pause doubles up to lastPause, and
// one that lived for steadyAfter starts over.
const (
	firstPause  = 100 * time.Millisecond
	lastPause   = 10 * time.Second
	steadyAfter = 30 * time.Second
)

// Child says how to run one child process.
type Child struct {
	Name     string   // unique; also of its log file
	Argv     []string // argv[0] is a path
	Env      []string // added to our own
	Dir      string
	User     *syscall.Credential             // nil = our own
	Ready    func(ctx context.Context) error // polled until it returns nil; nil = ready at once
	Patience time.Duration                   // how long it may take to become ready
	End      syscall.Signal                  // asks it to stop
	Death    syscall.Signal                  // it gets this when we are killed
	Grace    time.Duration                   // how long stopping may take before it is killed
}

// Supervisor keeps children running.
type Supervisor struct {
	logDir   string
	event    func(text string)
	mu       sync.Mutex
	children []*Keeper // in the order they were started
}

// New returns a supervisor of no children yet. Their output goes into files in logDir; event is told when one dies, is
// started again or has to be killed, and may be called from several goroutines.
func New(logDir string, event func(text string)) *Supervisor {
	return &Supervisor{logDir: logDir, event: event}
}

// Start starts a child and waits until it is ready, if there is something to wait for. A child that ends before that is an error with
// the last lines of its output. From then on it is kept running.
func (s *Supervisor) Start(ctx context.Context, c Child) error {
	k, err := s.Launch(c)
	if err != nil {
		return err
	}
	return k.AwaitReady(ctx)
}

// Launch is Start without the waiting; AwaitReady must be called for the child to be kept running.
func (s *Supervisor) Launch(c Child) (*Keeper, error) {
	log, err := openLog(filepath.Join(s.logDir, c.Name+".log"), maxLogSize)
	if err != nil {
		return nil, err
	}
	k := &Keeper{
		child: c, log: log, event: s.event,
		stopping: make(chan struct{}), done: make(chan struct{}),
		confirmed: make(chan struct{}), failed: make(chan struct{}),
	}
	k.from = log.position()
	if k.proc, err = spawn(c, log); err != nil {
		log.Close()
		return nil, sdp.Errorf(sdp.Internal, "cannot-start", "starting %s: %w", c.Name, err)
	}
	s.mu.Lock()
	s.children = append(s.children, k)
	s.mu.Unlock()
	go k.keep()
	return k, nil
}

// Stop stops the children from the last started to the first one for which until is true, exclusive; nil = all.
func (s *Supervisor) Stop(until func(name string) bool) {
	s.mu.Lock()
	children := slices.Clone(s.children)
	s.mu.Unlock()
	for i := len(children) - 1; i >= 0; i-- {
		k := children[i]
		if until != nil && until(k.child.Name) {
			return
		}
		if k.stop() {
			s.event(fmt.Sprintf("%s did not stop within %s and was killed", k.child.Name, k.child.Grace))
		}
		s.mu.Lock()
		s.children = s.children[:i]
		s.mu.Unlock()
	}
}

// Run runs a program to its end and returns an error with the end of its output if it failed.
func (s *Supervisor) Run(ctx context.Context, c Child) error {
	log, err := openLog(filepath.Join(s.logDir, c.Name+".log"), maxLogSize)
	if err != nil {
		return err
	}
	defer log.Close()
	from := log.position()
	p, err := spawn(c, log)
	if err != nil {
		return sdp.Errorf(sdp.Internal, "cannot-start", "starting %s: %w", c.Name, err)
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.stop(c.End, c.Grace)
		return ctx.Err()
	}
	if p.err != nil {
		return failure(c.Name, p.err, log, from)
	}
	return nil
}

// failure is the error for a child that ended when it should not have: how, and its last output.
func failure(name string, err error, log *logFile, from int64) error {
	e := sdp.Errorf(sdp.Internal, "child-failed", "%s %s", name, ending(err))
	if output := lastLines(log.since(from, 4096), 12); output != "" {
		e.Detail += ":\n" + indent(output)
	}
	return e.WithRemedy("all of its output is in %s", log.path)
}

func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }
