package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/internal/sdp"
)

// control lets the browser tests, which run in a process of their own, do to the installation what no browser can:
// POST /<verb> with a JSON object. It listens on loopback only.
type control struct {
	t      *testing.T
	url    string
	gate   *gate
	prefix string // of the names of the browser's sandboxes
	mu     sync.Mutex
	held   net.Listener // in the place of the server that was killed
}

func newControl(t *testing.T) *control {
	t.Helper()
	c := &control{t: t, gate: newGate(t), prefix: fmt.Sprintf("web-%x-", os.Getpid())}
	mux := http.NewServeMux()
	for verb, do := range map[string]func(order) (any, error){
		"cli": c.cli, "kill": c.kill, "hold": c.hold, "release": c.release, "ready": c.ready, "push": c.push,
		"slow": c.slow, "gate": c.setGate,
	} {
		mux.HandleFunc("POST /"+verb, answering(do))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	t.Cleanup(func() {
		if _, err := c.release(order{}); err != nil {
			t.Error(err)
		}
	})
	c.url = server.URL
	return c
}

// order is the body of every request; each verb reads the members it knows.
type order struct {
	Args  []string // cli
	Stdin string
	Words []string // kill: in the command line of the process

	Repository, Branch, Subject, Author string // push, slow
	Files                               files

	Sandbox string // gate
	Open    bool
}

func answering(do func(order) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var o order
		err := json.NewDecoder(r.Body).Decode(&o)
		var answer any
		if err == nil {
			answer, err = do(o)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(answer) //nolint:errcheck // its reader fails if it has no answer
	}
}

// cli runs the command-line client. That it fails is an answer as well.
func (c *control) cli(o order) (any, error) {
	out, err := stack.cli(o.Stdin, o.Args...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	code := 0
	if exit != nil {
		code = exit.ExitCode()
	}
	return map[string]any{"code": code, "output": out}, nil
}

func (c *control) kill(o order) (any, error) {
	return stack.killAll(o.Words...)
}

// hold kills the server and takes its port, so that it stays away although `sdp up` starts it again and again.
func (c *control) hold(order) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.kill(order{Words: []string{"sdp server"}}); err != nil {
		return nil, err
	}
	var l net.Listener
	err := until(10*time.Second, func() (err error) {
		l, err = net.Listen("tcp", strings.TrimPrefix(stack.url, "http://"))
		if err != nil {
			// The next one was quicker.
			c.kill(order{Words: []string{"sdp server"}}) //nolint:errcheck // there may be none now
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	c.held = l
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	return true, nil
}

// release gives the port back and waits until the server answers again.
func (c *control) release(o order) (any, error) {
	c.mu.Lock()
	held := c.held
	c.held = nil
	c.mu.Unlock()
	if held == nil {
		return false, nil
	}
	if err := held.Close(); err != nil {
		return nil, err
	}
	return c.ready(o)
}

func (c *control) ready(order) (any, error) { return true, until(2*time.Minute, stack.ready) }

// push pushes a commit on top of main to a branch of a demo repository.
func (c *control) push(o order) (any, error) {
	dir := filepath.Join(filepath.Dir(stack.data), sdp.NewID("push-"))
	defer os.RemoveAll(dir)
	if err := git("", "clone", "-q", demoRemote(o.Repository), dir); err != nil {
		return nil, err
	}
	for name, text := range o.Files {
		if err := put(filepath.Join(dir, name), text); err != nil {
			return nil, err
		}
	}
	err := errors.Join(git(dir, "add", "-A"), git(dir, "-c", "user.name="+o.Author, "-c", "user.email=web@example.com",
		"commit", "-q", "--allow-empty", "-m", o.Subject), git(dir, "push", "-q", "-f", "origin", "HEAD:refs/heads/"+o.Branch))
	if err != nil {
		return nil, err
	}
	sha, err := exec.Command("git", "-C", dir, "rev-parse", "HEAD").Output()
	return strings.TrimSpace(string(sha)), err
}

// slow pushes a branch of account, one of its own unless it is named, whose build takes many seconds.
func (c *control) slow(o order) (any, error) {
	o.Repository, o.Subject, o.Author = "account", "Take long to build", "Eve"
	if o.Branch == "" {
		o.Branch = "feature/" + strings.ToLower(sdp.NewID("slow-"))
	}
	o.Files = files{"cmd/account/slow.go": slowSource(o.Branch)}
	_, err := c.push(o)
	return o.Branch, err
}

// setGate has a sandbox's gated containers wait at their start, or lets them go on. Their branch is pushed for it.
func (c *control) setGate(o order) (any, error) {
	if o.Open {
		c.gate.open(o.Sandbox)
		return "", nil
	}
	c.gate.close(o.Sandbox)
	return "feature/gated", pushGate()
}
