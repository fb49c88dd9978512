package demo

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// world is what the tests of this package share: a git server with the demo seeded into it, and the clones.
var world struct {
	dir    string // of the clones
	gitURL string
	seeded time.Duration // what git computed meanwhile
	log    lockedBuffer
}

// ocpOfTest makes this program run a shared environment in place of the tests: "base port|clones|data".
const ocpOfTest = "DEMO_TEST_OCP"

func TestMain(m *testing.M) {
	if arguments := os.Getenv(ocpOfTest); arguments != "" {
		os.Exit(runOCPOfTest(strings.Split(arguments, "|")))
	}
	os.Exit(runTests(m))
}

func runOCPOfTest(arguments []string) int {
	port, err := strconv.Atoi(arguments[0])
	if err == nil {
		err = RunOCP(context.Background(), OCPConfig{"127.0.0.1", port, arguments[1], arguments[2]})
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func runTests(m *testing.M) int {
	hashCost = bcrypt.MinCost
	slog.SetDefault(slog.New(slog.NewTextHandler(&world.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	temp, err := os.MkdirTemp("", "sdp-demo-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(temp)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	accounts, err := NewAccounts(Users()...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	served := make(chan error, 1)
	go func() { served <- ServeGit(ctx, l, filepath.Join(temp, "git"), accounts) }()
	defer func() { cancel(); <-served }()

	world.dir, world.gitURL = filepath.Join(temp, "home"), "http://"+l.Addr().String()
	before := computedByChildren()
	if err := Seed(ctx, world.dir, world.gitURL, Users()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	world.seeded = computedByChildren() - before
	return m.Run()
}

// computedByChildren is how long the processes this one has waited for have kept a processor busy.
func computedByChildren() time.Duration {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_CHILDREN, &usage) // fails for bad arguments only
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// lockedBuffer is a bytes.Buffer several goroutines may use.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// clonePath is where the shared clone of a repository is.
func clonePath(t *testing.T, name string) string {
	t.Helper()
	for _, r := range Repositories(world.dir) {
		if r.Name == name {
			return r.Path
		}
	}
	t.Fatalf("there is no repository %q", name)
	return ""
}

// export puts the files of a revision of a repository into a new directory.
func export(t *testing.T, name, revision string) string {
	t.Helper()
	archive, err := runGit(t.Context(), clonePath(t, name), "archive", "--format=tar", revision)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := untar(bytes.NewReader([]byte(archive)), dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// eventually waits until condition returns nil, for at most two minutes: a first `go build` compiles the standard
// library too.
func eventually(t *testing.T, condition func() error) {
	t.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatal(err)
		case <-tick.C:
		}
	}
}
