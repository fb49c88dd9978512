package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"sdp/internal/sdp"
	"sdp/workflows"
)

func (s *Server) listRoutes(ctx context.Context, in *sandboxInput) (*body[Routes], error) {
	if _, err := s.sandbox(ctx, in.Name); err != nil {
		return nil, err
	}
	table, nodes, err := s.db.Table(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	seen, err := s.nodeViews(ctx)
	if err != nil {
		return nil, err
	}
	return &body[Routes]{Routes{
		Sandbox: table.Sandbox, Version: table.Version, URL: sandboxURL(seen.hosts[table.GatewayNode], table.PublicPort),
		Gateway: table.Gateway, Nodes: append([]string{}, nodes...), Routes: views(table.Services, viewRoute),
	}}, nil
}

// showTraffic answers from the database, so that any server can: nodes report to whichever they reach.
func (s *Server) showTraffic(ctx context.Context, in *sandboxInput) (*body[Traffic], error) {
	sandbox, err := s.sandbox(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	table, _, err := s.db.Table(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodeViews(ctx)
	if err != nil {
		return nil, err
	}
	counted := sdp.TrafficOf(sandbox.Traffic, nodes.now)
	_, judged := sandbox.Judge(counted, nodes.trouble)
	out := Traffic{
		Sandbox: sandbox.Name, Since: utc(counted.Since), LastActivity: utc(counted.LastActivity),
		ReportedAt: utc(counted.ReportedAt), Gateway: viewTraffic(counted.Public), Services: []ServiceTraffic{},
	}
	for _, r := range table.Services {
		out.Services = append(out.Services, viewServiceTraffic(r, counted.Services[r.Service], judged))
	}
	return &body[Traffic]{out}, nil
}

func viewServiceTraffic(r sdp.ServiceRoute, t sdp.ServiceTraffic, judged map[string]sdp.Judged[sdp.ServiceHealth]) ServiceTraffic {
	out := ServiceTraffic{Service: r.Service, Source: string(r.Source), Target: r.URL, TrafficCount: viewTraffic(t.Traffic)}
	if r.Target != nil {
		out.Target = r.Target.Node + "/" + r.Target.Address
	}
	j, ofSandbox := judged[r.Service]
	if !ofSandbox {
		j = sdp.JudgeShared(r, t.Trouble)
	}
	out.Health, out.Reason = string(j.Health), strings.Join(j.Reasons, "; ")
	return out
}

type setRouteInput struct {
	Name    string `path:"name"`
	Service string `path:"service"`
	Body    SetRoute
}

func (s *Server) setRoute(ctx context.Context, in *setRouteInput) (*accepted[Operation], error) {
	if err := sdp.CheckServiceName(in.Service); err != nil {
		return nil, err
	}
	infoOf(ctx).event.Detail = "to " + cmp.Or(in.Body.URL, in.Body.Source)
	sandbox, err := s.changeable(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if err := s.checkRoute(ctx, sandbox, in); err != nil {
		return nil, err
	}
	if _, err := s.readyNode(ctx, sandbox.GatewayNode); err != nil {
		return nil, err
	}
	op := s.newOperation(ctx, sdp.OpRoute, in.Name, in.Service)
	op.Source, op.URL = sdp.Source(in.Body.Source), in.Body.URL
	return s.operate(ctx, op)
}

func (s *Server) checkRoute(ctx context.Context, sandbox sdp.Sandbox, in *setRouteInput) error {
	source := sdp.Source(in.Body.Source)
	if source != sdp.SourceURL && in.Body.URL != "" {
		return sdp.Errorf(sdp.Invalid, "bad-route", "a URL goes with source url only").
			WithRemedy("leave the URL out, or use source url")
	}
	switch source {
	case sdp.SourceURL:
		return checkTargetURL(in.Body.URL)
	case sdp.SourceOCP:
		known, err := s.catalog(ctx)
		if err != nil {
			return err
		}
		return known.servedByOCP(in.Service)
	}
	service, err := serviceOf(sandbox, in.Service)
	if err != nil {
		return err
	}
	if service.Serving == nil {
		return sdp.Errorf(sdp.Conflict, "no-container", "service %s has no container in sandbox %s", in.Service, in.Name).
			WithRemedy("`sdp deploy %s %s@BRANCH` starts one and switches the route to it", in.Name, in.Service)
	}
	return nil
}

type traceInput struct {
	Name string `path:"name"`
	Body TraceRequest
}

// trace sends a request that changes nothing through the sandbox's port and waits for the hops.
func (s *Server) trace(ctx context.Context, in *traceInput) (*body[Trace], error) {
	path := in.Body.Path
	if !strings.HasPrefix(path, "/") || len(path) > 2000 || clean(path, 2000) != path || strings.ContainsAny(path, " #") {
		return nil, sdp.Errorf(sdp.Invalid, "bad-path", "the path to trace is not valid").
			WithRemedy("start it with a slash and escape spaces, as in /account/health?full=1")
	}
	sandbox, err := s.changeable(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if _, err := s.readyNode(ctx, sandbox.GatewayNode); err != nil {
		return nil, err
	}
	_, nodes, err := s.db.Table(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(nodes, sandbox.GatewayNode) {
		nodes = append(nodes, sandbox.GatewayNode)
	}
	method := in.Body.Method
	if method == "" {
		method = "GET"
	}
	t, err := s.cfg.Engine.Trace(ctx, workflows.TraceInput{
		ID: sdp.NewID("t-"), Sandbox: sandbox.Name, Node: sandbox.GatewayNode, Port: sandbox.Port, Nodes: nodes,
		Method: method, Path: path,
	})
	if err != nil {
		return nil, err
	}
	return &body[Trace]{viewTrace(t)}, nil
}
