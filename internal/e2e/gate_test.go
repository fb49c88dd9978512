package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/internal/sdp"
)

// gate holds containers at their start until the test has done what it wants to do meanwhile. A service of gateBranch
// asks the gate that its variable GATE names whether it may go on, and tells what it was given.
type gate struct {
	url    string
	mu     sync.Mutex
	closed map[string]bool // sandboxes whose containers wait
	last   map[string]url.Values
	asked  map[string]int // by sandbox, since it was closed
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{closed: map[string]bool{}, last: map[string]url.Values{}, asked: map[string]int{}}
	l, err := net.Listen("tcp", ":0") // containers come from networks of their own
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(g)
	server.Listener.Close()
	server.Listener = l
	server.Start()
	t.Cleanup(server.Close)
	g.url = "http://" + net.JoinHostPort(hostAddress(t), portOf(t, l))
	return g
}

func portOf(t *testing.T, l net.Listener) string {
	t.Helper()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// hostAddress is an address of this machine that containers reach whatever network they are in.
func hostAddress(t *testing.T) string {
	t.Helper()
	list, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	t.Fatal("this machine has no address but the loopback's")
	return ""
}

// ServeHTTP answers /<sandbox>/<service>: 204 lets the container go on, 503 has it ask again.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	box, service, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	g.last[box+"/"+service] = r.URL.Query()
	if g.asked[box]++; g.closed[box] {
		w.WriteHeader(http.StatusServiceUnavailable)
	} else {
		w.WriteHeader(http.StatusNoContent)
	}
}

// close has the sandbox's containers that start from now on wait.
func (g *gate) close(box string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed[box], g.asked[box] = true, 0
}

func (g *gate) open(box string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.closed, box)
}

// arrived waits until a container of the sandbox waits at the gate.
func (g *gate) arrived(t *testing.T, box string) {
	t.Helper()
	eventually(t, 2*time.Minute, func() error {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.asked[box] == 0 {
			return errorf("no container of %s has come to the gate", box)
		}
		return nil
	})
}

// told is what a container said it was given when it asked last.
func (g *gate) told(box, service, key string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.last[box+"/"+service].Get(key)
}

// gateFile is the path of the environment's file that gated services tell of.
const gateFile = "/etc/gate/file"

// gateSource is a Go file for package main of a service: it asks the gate before anything else.
const gateSource = `package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"
)

func init() {
	if os.Getenv("REFUSE") != "" {
		fmt.Println("refusing to start with REFUSE set")
		os.Exit(3)
	}
	file, _ := os.ReadFile("` + gateFile + `")
	given := url.Values{"file": {string(file)}}
	for _, key := range []string{"PLAIN", "ENV_SECRET", "BOX_SECRET", "OWN_SECRET"} {
		given.Set(key, os.Getenv(key))
	}
	at := os.Getenv("GATE")
	for at != "" {
		resp, err := http.Get(at + "/" + os.Getenv("SDP_SANDBOX") + "/" + os.Getenv("SDP_SERVICE") + "?" + given.Encode())
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusNoContent {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}
`

// gateBranch is a branch of the demo's account whose containers ask the gate. It is pushed once.
func gateBranch(t *testing.T) string {
	t.Helper()
	if err := pushGate(); err != nil {
		t.Fatal(err)
	}
	return "feature/gated"
}

var pushGate = sync.OnceValue(func() error {
	return pushBranch("account", "feature/gated", files{"cmd/account/gate.go": gateSource})
})

// pushBranch pushes a branch of a demo repository with changes on top of main.
func pushBranch(name, branch string, changes files) error {
	dir := filepath.Join(filepath.Dir(stack.data), sdp.NewID("push-"))
	if err := git("", "clone", "-q", demoRemote(name), dir); err != nil {
		return err
	}
	if err := commit(dir, changes); err != nil {
		return err
	}
	return git(dir, "push", "-q", "-f", "origin", "HEAD:refs/heads/"+branch)
}

func demoRemote(name string) string {
	return strings.Replace(stack.git, "http://", "http://alice:alice-demo@", 1) + "/scm/demo/" + name + ".git"
}
