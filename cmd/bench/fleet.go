package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sdp/api/apiclient"
)

// fleet is how many repositories of its own the bench adds to micro-1.
const fleet = 20

// fleetName names the n-th of them.
func fleetName(n int) string { return fmt.Sprintf("svc-%02d", n) }

// addFleet pushes the demo's account service as that many repositories and tells the node about them, once.
func (s *stack) addFleet(ctx context.Context) error {
	if s.hasFleet {
		return nil
	}
	var lines strings.Builder
	for n := range fleet {
		clone := filepath.Join(s.data, "demo", "home", "AppGolang", fleetName(n))
		_, err := s.sh(ctx, s.work, `git push -q "$1" origin/main:refs/heads/main && git clone -q "$1" "$2"`, s.remote(n), clone)
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "  - {name: %s, path: %s, kind: go, build: ./cmd/account, port: 8080, health: /healthz}\n", fleetName(n), clone)
	}
	if err := appendFile(filepath.Join(s.data, "config", "micro-1.yaml"), lines.String()); err != nil {
		return err
	}
	s.hasFleet = true
	return await(ctx, "the repositories", startLimit, func() (bool, error) {
		out, err := s.sdp(ctx, "repos")
		return strings.Contains(out, fleetName(fleet-1)), err
	})
}

// remote is the git URL of the n-th repository, with credentials.
func (s *stack) remote(n int) string { return s.git + "/scm/bench/" + fleetName(n) + ".git" }

// pushFleet pushes a commit of its own to branch of each of the first n repositories.
func (s *stack) pushFleet(ctx context.Context, branch string, n, round int) error {
	for i := range n {
		if _, err := s.newCommit(ctx, fmt.Sprintf("%s-%d", branch, i), round); err != nil {
			return err
		}
		if _, err := s.sh(ctx, s.work, `git push -q -f "$1" "HEAD:refs/heads/$2"`, s.remote(i), branch); err != nil {
			return err
		}
	}
	return nil
}

// specification writes a sandbox.yaml with the first n services of the fleet on branch.
func (s *stack) specification(name, branch string, n int) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "sandbox: %s\nservices:\n", name)
	for i := range n {
		fmt.Fprintf(&b, "  %s: {branch: %s}\n", fleetName(i), branch)
	}
	path := filepath.Join(s.root, name+".yaml")
	return path, os.WriteFile(path, []byte(b.String()), 0o600)
}

var (
	portRange    = regexp.MustCompile(`(?m)^ports: *"?(\d+)-(\d+)"?`)
	networkRange = regexp.MustCompile(`(?m)^networks:.*$`)
)

// benchNetworks is a range that no installation takes by itself, with room for a few hundred sandboxes.
const benchNetworks = "networks: 10.208.0.0/18"

// makeRoom widens the gateway node's range of public ports by more and the nodes' ranges of networks, once, and waits
// until the server knows.
func (s *stack) makeRoom(ctx context.Context, more int) error {
	if s.hasRoom {
		return nil
	}
	last, err := s.widen(more)
	if err != nil {
		return err
	}
	s.hasRoom = true
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	return await(ctx, "more ports", startLimit, func() (bool, error) {
		nodes, err := c.Nodes(ctx)
		for _, n := range nodes {
			if n.PortLast == last && n.Alive {
				return true, nil
			}
		}
		return false, err
	})
}

func (s *stack) widen(more int) (last int, err error) {
	micro := filepath.Join(s.data, "config", "micro-1.yaml")
	if err := edit(micro, networkRange, benchNetworks); err != nil {
		return 0, err
	}
	gateway := filepath.Join(s.data, "config", "gateway-1.yaml")
	raw, err := os.ReadFile(gateway)
	if err != nil {
		return 0, err
	}
	m := portRange.FindStringSubmatch(string(raw))
	if m == nil {
		return 0, fmt.Errorf("%s has no range of ports", gateway)
	}
	if last, err = strconv.Atoi(m[2]); err != nil {
		return 0, err
	}
	last += more
	return last, edit(gateway, portRange, fmt.Sprintf("ports: %s-%d", m[1], last))
}

// edit replaces what pattern finds in a file.
func edit(path string, pattern *regexp.Regexp, by string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !pattern.Match(raw) {
		return fmt.Errorf("%s has nothing like %s", path, pattern)
	}
	return os.WriteFile(path, pattern.ReplaceAll(raw, []byte(by)), 0o644) //nolint:gosec // as it was
}

// client is alice's, without the CLI around it.
func (s *stack) client(ctx context.Context) (*apiclient.Client, error) {
	token, err := s.login(ctx)
	if err != nil {
		return nil, err
	}
	return apiclient.New(s.url, token)
}

// login returns a session token of alice's.
func (s *stack) login(ctx context.Context) (string, error) {
	c, err := apiclient.New(s.url, "")
	if err != nil {
		return "", err
	}
	session, err := c.Login(ctx, "alice", "alice-demo")
	return session.Token, err
}

// startLimit bounds how long a node may take to notice its changed configuration.
const startLimit = time.Minute

// await asks until the answer is yes; it is for what other processes do.
func await(ctx context.Context, what string, limit time.Duration, done func() (bool, error)) error {
	deadline := time.Now().Add(limit)
	for {
		ok, err := done()
		switch {
		case ok:
			return nil
		case time.Now().After(deadline):
			return errors.Join(fmt.Errorf("waiting for %s took too long", what), err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
