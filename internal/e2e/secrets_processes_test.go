package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// watcher samples command line and environment of all processes that descend from this one: the stack's, the CLI's, and
// git and go below them.
type watcher struct {
	stop    chan struct{}
	ended   sync.WaitGroup
	mu      sync.Mutex
	samples map[sample]bool
	ran     map[string]bool // names of programs
	failed  error

	own   map[int]bool   // of each process that was there at the last sample: is it the test's?
	lines map[int]string // command lines as last seen
}

type sample struct{ name, line, env string }

// sampleEvery is short against the life of a compiler, and long against what one look at /proc costs.
const sampleEvery = 20 * time.Millisecond

func watchProcesses() *watcher {
	w := &watcher{stop: make(chan struct{}), samples: map[sample]bool{}, ran: map[string]bool{},
		own: map[int]bool{os.Getpid(): true}, lines: map[int]string{}}
	w.ended.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-w.stop:
				return
			case <-tick.C:
				w.sample()
			}
		}
	})
	return w
}

func (w *watcher) close() error {
	close(w.stop)
	w.ended.Wait()
	return w.failed
}

// sample looks at the test's own processes. What it knows of those that are still there it does not ask again: a process
// that belongs to somebody else never becomes one of the test's.
func (w *watcher) sample() {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		w.failed = err
		return
	}
	there, parents := map[int]bool{}, map[int]int{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		there[pid] = true
		if _, known := w.own[pid]; !known {
			parents[pid] = parentOf(e.Name())
		}
	}
	maps.DeleteFunc(w.own, func(pid int, _ bool) bool { return !there[pid] })
	for pid := range parents {
		w.own[pid] = w.descends(pid, parents)
	}
	for pid, own := range w.own {
		if own && pid != os.Getpid() {
			w.look(pid)
		}
	}
	maps.DeleteFunc(w.lines, func(pid int, _ string) bool { return !there[pid] })
}

// descends reports whether a process is one of the test's.
func (w *watcher) descends(pid int, parents map[int]int) bool {
	for up := parents[pid]; up > 0; up = parents[up] {
		if own, known := w.own[up]; known {
			return own
		}
	}
	return false
}

// parentOf returns the parent of a process, 0 for one that is gone.
func parentOf(pid string) int {
	stat, err := os.ReadFile("/proc/" + pid + "/stat") // "pid (name) state ppid ..."
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1])
	return parent
}

func (w *watcher) look(pid int) {
	dir := "/proc/" + strconv.Itoa(pid)
	line, _ := os.ReadFile(dir + "/cmdline") // empty where the process is gone
	if w.lines[pid] == string(line) {
		return
	}
	env, _ := os.ReadFile(dir + "/environ") // changes only where another program is run, which changes the line
	if len(env) > 0 {
		w.lines[pid] = string(line)
	}
	words := strings.SplitN(string(line), "\x00", 3)
	name, _, _ := strings.Cut(filepath.Base(words[0]), ":") // "postgres: autovacuum worker"
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ran[name] = true
	if name == "sdp" && len(words) > 1 {
		name += " " + words[1]
	}
	w.samples[sample{name, string(line), string(env)}] = true
}

// search looks through all samples. It returns an error unless each program was seen running.
func (w *watcher) search(hay *haystack, programs ...string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.samples {
		hay.search("command line of "+s.name, []byte(s.line))
		hay.search("environment of "+s.name, []byte(s.env))
	}
	for _, name := range programs {
		if !w.ran[name] {
			return fmt.Errorf("no process %q was sampled, only %v", name, slices.Sorted(maps.Keys(w.ran)))
		}
	}
	return nil
}

// saw reports whether a program was seen running.
func (w *watcher) saw(program string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ran[program]
}
