package devstack

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

// child says how to run one child process.
type child struct {
	name     string   // unique; also of its log file
	argv     []string // argv[0] is a path
	env      []string // added to our own
	dir      string
	user     *syscall.Credential             // nil = our own
	ready    func(ctx context.Context) error // polled until it returns nil; nil = ready at once
	patience time.Duration                   // how long it may take to become ready
	end      syscall.Signal                  // asks it to stop
	death    syscall.Signal                  // it gets this when we are killed
	grace    time.Duration                   // how long stopping may take before it is killed
}

// supervisor keeps children running.
type supervisor struct {
	logDir   string
	progress Progress
	mu       sync.Mutex
	children []*keeper // in the order they were started
}

// start starts a child and, if it is not nil, waits until it is ready. A child that ends before that is an error with
// the last lines of its output. From then on it is kept running.
func (s *supervisor) start(ctx context.Context, c child) error {
	k, err := s.launch(c)
	if err != nil {
		return err
	}
	return k.awaitReady(ctx)
}

// launch is start without the waiting; awaitReady must be called for the child to be kept running.
func (s *supervisor) launch(c child) (*keeper, error) {
	log, err := openLog(filepath.Join(s.logDir, c.name+".log"), maxLogSize)
	if err != nil {
		return nil, err
	}
	k := &keeper{
		child: c, log: log, progress: s.progress,
		stopping: make(chan struct{}), restart: make(chan struct{}, 1), done: make(chan struct{}),
		confirmed: make(chan struct{}), failed: make(chan struct{}),
	}
	k.from = log.position()
	if k.proc, err = spawn(c, log); err != nil {
		log.Close()
		return nil, sdp.Errorf(sdp.Internal, "cannot-start", "starting %s: %w", c.name, err)
	}
	s.mu.Lock()
	s.children = append(s.children, k)
	s.mu.Unlock()
	go k.keep()
	return k, nil
}

// again stops the named child and starts it again; it says nothing about unknown names.
func (s *supervisor) again(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.children {
		if k.child.name == name {
			select {
			case k.restart <- struct{}{}:
			default: // it is about to be restarted already
			}
		}
	}
}

// stop stops the children from the last started to the first one for which until is true, exclusive; nil = all.
func (s *supervisor) stop(until func(name string) bool) {
	s.mu.Lock()
	children := slices.Clone(s.children)
	s.mu.Unlock()
	for i := len(children) - 1; i >= 0; i-- {
		k := children[i]
		if until != nil && until(k.child.name) {
			return
		}
		if k.stop() {
			s.progress.Event(fmt.Sprintf("%s did not stop within %s and was killed", k.child.name, k.child.grace))
		}
		s.mu.Lock()
		s.children = s.children[:i]
		s.mu.Unlock()
	}
}

// run runs a program to its end and returns an error with the end of its output if it failed.
func (s *supervisor) run(ctx context.Context, c child) error {
	log, err := openLog(filepath.Join(s.logDir, c.name+".log"), maxLogSize)
	if err != nil {
		return err
	}
	defer log.Close()
	from := log.position()
	p, err := spawn(c, log)
	if err != nil {
		return sdp.Errorf(sdp.Internal, "cannot-start", "starting %s: %w", c.name, err)
	}
	select {
	case <-p.exited:
	case <-ctx.Done():
		p.stop(c.end, c.grace)
		return ctx.Err()
	}
	if p.err != nil {
		return failure(c.name, p.err, log, from)
	}
	return nil
}

// failure is the error for a child that ended when it should not have: how, and its last words.
func failure(name string, err error, log *logFile, from int64) error {
	e := sdp.Errorf(sdp.Internal, "child-failed", "%s %s", name, ending(err))
	if words := lastLines(log.since(from, 4096), 12); words != "" {
		e.Detail += ":\n" + indent(words)
	}
	return e.WithRemedy("all of its output is in %s", log.path)
}

func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func indent(text string) string { return "    " + strings.ReplaceAll(text, "\n", "\n    ") }
