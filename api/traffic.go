package api

import (
	"context"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

func (s *Server) listRoutes(ctx context.Context, in *sandboxInput) (*body[rest.Routes], error) {
	if _, err := s.control.Sandbox(ctx, in.Name); err != nil {
		return nil, err
	}
	table, holders, err := s.db.Table(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodes(ctx)
	if err != nil {
		return nil, err
	}
	return &body[rest.Routes]{rest.FromTable(table, holders, nodes)}, nil
}

// showTraffic answers from the database, so that any server can: nodes report to whichever they reach.
func (s *Server) showTraffic(ctx context.Context, in *sandboxInput) (*body[rest.Traffic], error) {
	sandbox, err := s.control.Sandbox(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	table, _, err := s.db.Table(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodes(ctx)
	if err != nil {
		return nil, err
	}
	return &body[rest.Traffic]{rest.FromTraffic(sandbox, table, nodes)}, nil
}

type setRouteInput struct {
	Name    string `path:"name"`
	Service string `path:"service"`
	Body    rest.SetRoute
}

func (s *Server) setRoute(ctx context.Context, in *setRouteInput) (*accepted[rest.Operation], error) {
	return s.acceptedOperation(s.control.SetRoute(ctx, callOf(ctx), in.Name, in.Service, sdp.Source(in.Body.Source), in.Body.URL))
}

type traceInput struct {
	Name string `path:"name"`
	Body rest.TraceRequest
}

func (s *Server) trace(ctx context.Context, in *traceInput) (*body[rest.Trace], error) {
	t, err := s.control.Trace(ctx, callOf(ctx), in.Name, in.Body.Method, in.Body.Path)
	if err != nil {
		return nil, err
	}
	return &body[rest.Trace]{rest.FromTrace(t)}, nil
}
