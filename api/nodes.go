package api

import (
	"context"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// nodes is what views of sandboxes need to know of all nodes.
func (s *Server) nodes(ctx context.Context) (rest.Nodes, error) {
	nodes, err := s.db.Nodes(ctx)
	if err != nil {
		return rest.Nodes{}, err
	}
	removed, err := s.db.RemovedNodes(ctx)
	v := s.asNow(nodes)
	for name, mark := range removed {
		v.Trouble[name] = sdp.NodeTrouble{Removed: true, Worker: "was removed by " + mark.By + " at " + mark.At.Local().Format("2006-01-02 15:04")}
	}
	return v, err
}

// asNow is what views need to know of these nodes.
func (s *Server) asNow(nodes []sdp.Node) rest.Nodes {
	v := rest.Nodes{Hosts: map[string]string{}, Trouble: map[string]sdp.NodeTrouble{}, Now: s.cfg.Now(), Runs: s.runs}
	for _, n := range nodes {
		t := s.control.Trouble(n)
		if s.control.Alive(n) == nil {
			t.Worker = "" // just after the server's start nobody has had the time to report
		}
		v.Hosts[n.Name], v.Trouble[n.Name] = n.Address, t
	}
	return v
}

func (s *Server) listNodes(ctx context.Context, _ *none) (*body[rest.Page[rest.Node]], error) {
	nodes, err := s.db.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(nodes, "", s.viewNode), nil
}

func (s *Server) viewNode(n sdp.Node) rest.Node {
	return rest.FromNode(n, s.control.Alive(n) == nil, s.control.Problems(n))
}

func (s *Server) listRepositories(ctx context.Context, _ *none) (*body[rest.Page[rest.Repository]], error) {
	repositories, err := s.db.Repositories(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(repositories, "", rest.FromRepository), nil
}

type repositoryInput struct {
	Repository string `path:"repository"`
}

func (s *Server) listBranches(ctx context.Context, in *repositoryInput) (*body[rest.Page[rest.Branch]], error) {
	branches, err := s.control.Branches(ctx, callOf(ctx), in.Repository)
	if err != nil {
		return nil, err
	}
	return pageOf(branches, "", rest.FromBranch), nil
}

func (s *Server) listPorts(ctx context.Context, _ *none) (*body[rest.Page[rest.NodePorts]], error) {
	ports, err := s.db.Ports(ctx)
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodes(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(ports, "", func(p sdp.NodePorts) rest.NodePorts { return rest.FromPorts(p, nodes) }), nil
}

type imagesInput struct {
	Node string `query:"node" maxLength:"100" doc:"absent = all nodes"`
}

func (s *Server) listImages(ctx context.Context, in *imagesInput) (*body[rest.Images], error) {
	found, err := s.control.Images(ctx, callOf(ctx), in.Node)
	if err != nil {
		return nil, err
	}
	out := rest.Images{Items: rest.List(found.Images, rest.FromImage)}
	for _, m := range found.Missing {
		out.Missing = append(out.Missing, rest.MissingNode{Node: m.Node, Reason: m.Why})
	}
	return &body[rest.Images]{out}, nil
}

type pruneImagesInput struct {
	Node string `path:"node"`
	Body rest.PruneImages
}

func (s *Server) pruneImages(ctx context.Context, in *pruneImagesInput) (*body[rest.PruneReport], error) {
	report, err := s.control.PruneImages(ctx, callOf(ctx), in.Node, in.Body.DryRun)
	if err != nil {
		return nil, err
	}
	return &body[rest.PruneReport]{rest.FromPruneReport(report)}, nil
}
