package api

import (
	"context"
	"fmt"
	"time"

	"sdp/internal/sdp"
	"sdp/workflows"
)

// minDisk is how much of a node's disk must be free, in bytes, for a deploy to be accepted.
const minDisk = 256 << 20

// readyNode returns a node that can take work now. Nothing is accepted that would hang: a node without a worker, or
// whose Docker daemon is down, is refused with the reason.
func (s *Server) readyNode(ctx context.Context, name string) (sdp.Node, error) {
	n, err := s.db.Node(ctx, name)
	if err != nil {
		return sdp.Node{}, err
	}
	return n, s.alive(n)
}

func (s *Server) alive(n sdp.Node) error {
	now := s.cfg.Now()
	if n.Alive(now) || now.Sub(s.cfg.Started) < s.cfg.LivenessGrace {
		return nil
	}
	return sdp.Errorf(sdp.Unavailable, "node-without-worker", "node %s: no worker since %s", n.Name, clock(n.LastSeen, now)).
		WithRemedy("start the worker on %s: `sdp worker --config FILE`; `sdp nodes` shows when it is back", n.Name)
}

// clock is a time for people: the day only where it is not today.
func clock(t, now time.Time) string {
	switch {
	case t.IsZero():
		return "it was registered"
	case now.Sub(t) < 20*time.Hour:
		return t.Local().Format("15:04")
	}
	return t.Local().Format("2006-01-02 15:04")
}

// deployable is readyNode for what needs Docker and disk as well.
func (s *Server) deployable(ctx context.Context, name string) (sdp.Node, error) {
	n, err := s.readyNode(ctx, name)
	if err != nil {
		return n, err
	}
	return n, usable(n)
}

// usable returns an error unless a node that is alive has Docker and disk.
func usable(n sdp.Node) error {
	switch {
	case n.Health.DockerError != "":
		return dockerUp(n)
	case n.Health.DiskTotal > 0 && n.Health.DiskFree < minDisk:
		return sdp.Errorf(sdp.Exhausted, "disk-full", "node %s: only %d MB of its disk are free", n.Name, n.Health.DiskFree>>20).
			WithRemedy("make room on %s: delete sandboxes that are not needed any more", n.Name)
	}
	return nil
}

// dockerUp returns why a node's Docker daemon cannot be used, nil if it can.
func dockerUp(n sdp.Node) error {
	if n.Health.DockerError == "" {
		return nil
	}
	return sdp.Errorf(sdp.Unavailable, "docker-down", "node %s: Docker does not answer: %s", n.Name, n.Health.DockerError).
		WithRemedy("start Docker on %s: `systemctl start docker`", n.Name)
}

func (s *Server) viewNode(n sdp.Node) Node {
	return Node{
		Name: n.Name, Type: string(n.Type), Address: n.Address, Alive: s.alive(n) == nil, Problems: s.problems(n),
		PortFirst: n.PortFirst, PortLast: n.PortLast, Builds: n.Builds, RunningBuilds: n.Health.RunningBuilds,
		Version: n.Version, DockerVersion: n.DockerVersion, DiskFree: n.Health.DiskFree, DiskTotal: n.Health.DiskTotal,
		ImagesUsed: n.Health.ImagesUsed, Watermark: n.Health.Watermark,
		MemoryFree: n.Health.MemoryFree, MemoryTotal: n.Health.MemoryTotal, CPUs: n.Health.CPUs, Load1: n.Health.Load1,
		RegisteredAt: utc(n.RegisteredAt), LastSeen: utc(n.LastSeen),
	}
}

func (s *Server) problems(n sdp.Node) []string {
	found := []string{}
	t := s.trouble(n)
	for _, problem := range []struct{ text, what string }{
		{t.Worker, ""}, {t.Docker, "Docker does not answer: "}, {t.Router, "the router does not answer: "},
	} {
		if problem.text != "" {
			found = append(found, problem.what+problem.text)
		}
	}
	if n.Health.DiskTotal > 0 && n.Health.DiskFree < minDisk {
		found = append(found, fmt.Sprintf("only %d MB of its disk are free", n.Health.DiskFree>>20))
	}
	return found
}

func (s *Server) trouble(n sdp.Node) sdp.NodeTrouble {
	t := sdp.NodeTrouble{Docker: n.Health.DockerError, Router: n.Health.RouterError}
	if now := s.cfg.Now(); !n.Alive(now) {
		t.Worker = "no worker since " + clock(n.LastSeen, now)
	}
	return t
}

// nodeViews is what the view of a sandbox needs to know of the nodes.
type nodeViews struct {
	hosts   map[string]string // addresses by name
	trouble map[string]sdp.NodeTrouble
	now     time.Time

	deployment func(sdp.Deployment) Deployment
}

func (s *Server) nodeViews(ctx context.Context) (nodeViews, error) {
	nodes, err := s.db.Nodes(ctx)
	return s.viewsOf(nodes), err
}

func (s *Server) viewsOf(nodes []sdp.Node) nodeViews {
	v := nodeViews{hosts: map[string]string{}, trouble: map[string]sdp.NodeTrouble{}, now: s.cfg.Now(),
		deployment: s.viewDeployment}
	for _, n := range nodes {
		t := s.trouble(n)
		if s.alive(n) == nil {
			t.Worker = "" // just after the server's start nobody has had the time to report
		}
		v.hosts[n.Name], v.trouble[n.Name] = n.Address, t
	}
	return v
}

func (s *Server) listNodes(ctx context.Context, _ *none) (*body[Page[Node]], error) {
	nodes, err := s.db.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(nodes, "", s.viewNode), nil
}

func (s *Server) listRepositories(ctx context.Context, _ *none) (*body[Page[Repository]], error) {
	repositories, err := s.db.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(repositories, "", viewRepository), nil
}

type repositoryInput struct {
	Repository string `path:"repository"`
}

// listBranches asks the git server, through the node that has the clone, with the caller's own credentials.
func (s *Server) listBranches(ctx context.Context, in *repositoryInput) (*body[Page[Branch]], error) {
	known, err := s.catalog(ctx)
	if err != nil {
		return nil, err
	}
	repository, err := known.repository(in.Repository)
	if err != nil {
		return nil, err
	}
	node, err := s.readyNode(ctx, repository.Node)
	if err != nil {
		return nil, err
	}
	id := sdp.NewID("b-")
	box, err := seal(node, id, sessionOf(ctx), s.cfg.Now())
	if err != nil {
		return nil, err
	}
	branches, err := s.cfg.Engine.Branches(ctx, workflows.BranchesInput{
		ID: id, Node: node.Name, Repository: repository.Name, Credentials: box,
	})
	if err != nil {
		return nil, credentialsAged(err)
	}
	return pageOf(branches, "", viewBranch), nil
}

// credentialsAged tells a password that has changed since the login from a missing session: signing in again helps
// in both cases, but the answer should say why.
func credentialsAged(err error) error {
	e := sdp.AsError(err)
	if e.Code != "wrong-credentials" {
		return err
	}
	return e.WithRemedy("your password may have changed since you signed in: sign in again with `sdp login`")
}
