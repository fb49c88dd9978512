package api

import (
	"context"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

type nodeInput struct {
	Node string `path:"node"`
}

func (s *Server) cordonNode(ctx context.Context, in *nodeInput) (*body[rest.Node], error) {
	return s.shownNode(s.control.CordonNode(ctx, callOf(ctx), in.Node))
}

func (s *Server) uncordonNode(ctx context.Context, in *nodeInput) (*body[rest.Node], error) {
	return s.shownNode(s.control.UncordonNode(ctx, callOf(ctx), in.Node))
}

func (s *Server) shownNode(n sdp.Node, err error) (*body[rest.Node], error) {
	if err != nil {
		return nil, err
	}
	return &body[rest.Node]{s.viewNode(n)}, nil
}

func (s *Server) drainNode(ctx context.Context, in *nodeInput) (*body[rest.NodeDrain], error) {
	d, err := s.control.DrainNode(ctx, callOf(ctx), in.Node)
	if err != nil {
		return nil, err
	}
	return &body[rest.NodeDrain]{rest.NodeDrain{
		Node:       d.Node.Name,
		Operations: rest.List(d.Stopped, func(o sdp.Operation) rest.Operation { return rest.FromOperation(o, s.runs) }),
		Cancelled:  rest.List(d.Ended, func(r sdp.OperationRef) string { return r.ID }),
		Refused:    rest.List(d.Refused, func(why string) string { return why }),
		Left:       rest.FromWork(d.Left),
	}}, nil
}

func (s *Server) showNodeWork(ctx context.Context, in *nodeInput) (*body[rest.NodeWork], error) {
	if err := sdp.CheckNodeName(in.Node); err != nil {
		return nil, err
	}
	w, err := s.db.NodeWork(ctx, in.Node)
	if err != nil {
		return nil, err
	}
	return &body[rest.NodeWork]{rest.FromWork(w)}, nil
}

type removeNodeInput struct {
	Node  string `path:"node"`
	Force bool   `query:"force" doc:"also forget what a node ran that is down and does not come back"`
}

func (s *Server) removeNode(ctx context.Context, in *removeNodeInput) (*none, error) {
	return nil, s.control.RemoveNode(ctx, callOf(ctx), in.Node, in.Force)
}
