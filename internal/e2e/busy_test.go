package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// upgrading is a service whose /socket switches protocols and then stays as it is, as a WebSocket that nobody writes to.
const upgrading = `package main

import "net/http"

func main() {
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/socket", func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Write([]byte("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"))
		}
	})
	http.ListenAndServe(":8080", nil)
}
`

// TestBusyNode has one node do much at once.
func TestBusyNode(t *testing.T) {
	s, err := newSite("", repository{name: "chat", config: plainRepository.config,
		main:     files{"go.mod": "module chat\n\ngo 1.21\n", "main.go": upgrading + "\n// " + sdp.NewID("") + "\n"},
		branches: map[string]files{"feature/next": {"note.go": "package main\n\nvar _ = 1 // " + sdp.NewID("") + "\n"}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	s.roomForNetworks(t)
	boxes := make([]rest.Sandbox, 40)
	for i := range boxes {
		boxes[i] = s.newSandbox(t, "")
	}
	t.Run("forty deployments of a commit are one build", func(t *testing.T) { s.buildOnce(t, boxes) })
	t.Run("its worker is killed during a build", s.killDuringBuild)
	t.Run("its configuration changes during a build", s.configureDuringBuild)
	t.Run("twenty services with open WebSockets are replaced", func(t *testing.T) { s.replaceUnderSockets(t, boxes[:20]) })
}

// wideNetworks is room for 64 sandboxes on a node, in a range that no installation takes by itself.
const wideNetworks = "networks: 10.209.0.0/20"

var networksLine = regexp.MustCompile(`(?m)^networks:.*$`)

// roomForNetworks has micro-1 take its networks from wideNetworks until the next `sdp up`: what that gives it is for 32.
func (s *site) roomForNetworks(t *testing.T) {
	t.Helper()
	s.edit(t, "micro-1", func(text string) string { return networksLine.ReplaceAllString(text, wideNetworks) })
}

// edit changes a node's file.
func (s *site) edit(t *testing.T, node string, change func(text string) string) {
	t.Helper()
	path := filepath.Join(s.data, "config", node+".yaml")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := change(string(raw))
	if text == string(raw) {
		t.Fatalf("nothing of %s is changed:\n%s", path, raw)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// killDuringBuild kills the worker: the next one builds again.
func (s *site) killDuringBuild(t *testing.T) {
	box := s.newSandbox(t, "")
	d := s.deployInBackground(t, box.Name, "chat@"+s.slowBranch(t, "chat"))
	first := goBuild(t, d.ID, "")
	s.kill(t, "worker", "micro-1")
	began := time.Now()
	goBuild(t, d.ID, first)
	t.Logf("the build ran again after %s", time.Since(began))
	s.waitState(t, box.Name, d.ID, 4*time.Minute, sdp.Running)
}

// goBuild waits for the `go build` of a deployment, another one than that of a process, and returns its process.
func goBuild(t *testing.T, deployment, than string) (process string) {
	t.Helper()
	eventually(t, time.Minute, func() error {
		for _, process = range goBuilds(t, deployment) {
			line, err := os.ReadFile(filepath.Join("/proc", process, "cmdline"))
			if err == nil && process != than && strings.HasPrefix(string(line), "go\x00build\x00") {
				return nil
			}
		}
		return errorf("no `go build` runs for %s", deployment)
	})
	return process
}

// configureDuringBuild changes what a worker has to be started anew for and adds a repository that cannot be used: the build
// goes on as if nothing were, then both count.
func (s *site) configureDuringBuild(t *testing.T) {
	box := s.newSandbox(t, "")
	d := s.deployInBackground(t, box.Name, "chat@"+s.slowBranch(t, "chat"))
	s.waitState(t, box.Name, d.ID, time.Minute, sdp.Building)
	s.edit(t, "micro-1", func(text string) string {
		return "drain: 29s\n" + strings.Replace(text, "repositories:\n",
			"repositories:\n  - {name: odd, path: /nowhere, kind: go, port: 8080}\n", 1)
	})
	s.waitState(t, box.Name, d.ID, 4*time.Minute, sdp.Running)
	if log := s.ok(t, "logs", d.ID); strings.Count(log, "[BUILD] go build") != 1 {
		t.Errorf("it was not one build:\n%s", log)
	}
	eventually(t, time.Minute, func() error {
		if out := s.ok(t, "repos"); !strings.Contains(out, "/nowhere is not a git clone") {
			return errorf("`sdp repos` does not say why odd cannot be used:\n%s", out)
		}
		return nil
	})
	s.fails(t, 1, []string{"/nowhere is not a git clone"}, "deploy", box.Name, "odd@main", "--wait")
	s.deployToAll(t, []rest.Sandbox{box}, "main")
}

// deployToAll deploys a branch of chat to all sandboxes at once and waits until it runs in each.
func (s *site) deployToAll(t *testing.T, boxes []rest.Sandbox, branch string) {
	t.Helper()
	var group sync.WaitGroup
	for _, box := range boxes {
		group.Go(func() {
			if out, err := s.cli("", "deploy", box.Name, "chat@"+branch, "--wait"); err != nil {
				t.Errorf("deploying %s to %s: %v\n%s", branch, box.Name, err, out)
			}
		})
	}
	group.Wait()
}

// buildOnce deploys a commit that was never built to all sandboxes at once. What waits for somebody else's build says so.
func (s *site) buildOnce(t *testing.T, boxes []rest.Sandbox) {
	s.deployToAll(t, boxes, "main")
	builds, waited := 0, 0
	for _, box := range boxes {
		log := s.ok(t, "logs", s.history(t, box.Name)[0].ID)
		builds += strings.Count(log, "[BUILD] go build")
		waited += strings.Count(log, "[BUILD] waiting for the build of the same commit by d-")
	}
	if builds != 1 || waited == 0 {
		t.Errorf("%d builds, %d deployments that waited for one; want one build", builds, waited)
	}
}

// The replaced containers each wait for their WebSocket for as long as they may, more of them than the node does quick steps
// at once. Nothing else waits for that.
func (s *site) replaceUnderSockets(t *testing.T, boxes []rest.Sandbox) {
	for _, box := range boxes {
		socket(t, box)
	}
	s.deployToAll(t, boxes, "feature/next")
	s.deployToAll(t, boxes[:1], "main") // its predecessor and that of all others are still there
	if left := len(s.containers(t, boxes[1].Name)); left != 2 {
		t.Errorf("sandbox %s has %d containers: nothing was left to wait for", boxes[1].Name, left)
	}
}

// socket opens a WebSocket to a sandbox's chat that stays open until the test ends.
func socket(t *testing.T, box rest.Sandbox) {
	t.Helper()
	address := strings.TrimPrefix(box.URL, "http://")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "GET /chat/socket HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", address)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%s answers %v, %v", box.URL, resp, err)
	}
}
