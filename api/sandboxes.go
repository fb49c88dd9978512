package api

import (
	"context"
	"net/url"
	"slices"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

type sandboxInput struct {
	Name string `path:"name"`
}

type listSandboxesInput struct {
	PageQuery
	Owner string `query:"owner" maxLength:"200"`
	State string `query:"state" enum:"ACTIVE,SUSPENDED,EXPIRED,DELETED" doc:"absent = all but DELETED"`
}

func (s *Server) listSandboxes(ctx context.Context, in *listSandboxesInput) (*body[Page[Sandbox]], error) {
	filter := postgres.SandboxFilter{Owner: clean(in.Owner, 200)}
	if in.State != "" {
		filter.States = []sdp.SandboxState{sdp.SandboxState(in.State)}
	}
	sandboxes, next, err := s.db.Sandboxes(ctx, filter, in.page())
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodeViews(ctx)
	if err != nil {
		return nil, err
	}
	return pageOf(sandboxes, next, func(b sdp.Sandbox) Sandbox { return viewSandbox(b, nodes) }), nil
}

func (s *Server) showSandbox(ctx context.Context, in *sandboxInput) (*body[Sandbox], error) {
	sandbox, err := s.sandbox(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	nodes, err := s.nodeViews(ctx)
	if err != nil {
		return nil, err
	}
	out := viewSandbox(sandbox, nodes)
	out.PortNote, err = s.portNote(ctx, sandbox)
	return &body[Sandbox]{out}, err
}

// sandbox returns a sandbox whose name comes from a caller.
func (s *Server) sandbox(ctx context.Context, name string) (sdp.Sandbox, error) {
	if err := sdp.CheckSandboxName(name); err != nil {
		return sdp.Sandbox{}, err
	}
	return s.db.Sandbox(ctx, name)
}

// changeable is sandbox for one that is about to be changed.
func (s *Server) changeable(ctx context.Context, name string) (sdp.Sandbox, error) {
	sandbox, err := s.sandbox(ctx, name)
	if err != nil {
		return sandbox, err
	}
	if sandbox.State == sdp.Deleted {
		return sandbox, sdp.Errorf(sdp.NotFound, "sandbox-deleted", "sandbox %s is deleted", name).
			WithRemedy("`sdp sandbox create %s` makes a new one", name)
	}
	if sandbox.Deleting {
		return sandbox, sdp.Errorf(sdp.Conflict, "sandbox-deleting", "sandbox %s is being deleted", name).
			WithRemedy("wait until it is gone; `sdp sandbox create %s` then makes a new one", name)
	}
	return sandbox, nil
}

type createSandboxInput struct{ Body SandboxSpec }

func (s *Server) createSandbox(ctx context.Context, in *createSandboxInput) (*accepted[CreatedSandbox], error) {
	info := infoOf(ctx)
	info.event.Sandbox, info.event.Environment = in.Body.Name, in.Body.Environment
	spec, err := specOf(in.Body)
	if err != nil {
		return nil, err
	}
	checked, err := s.resolveSpec(ctx, spec)
	info.plan(in.Body.Name, in.Body.Environment, checked.asks)
	if err != nil {
		return nil, err
	}
	gateway, err := s.gatewayNode(ctx, checked.gateway)
	if err != nil {
		return nil, err
	}
	deployments, err := s.newDeployments(ctx, spec.Name, spec.Environment, checked.asks, variables{})
	if err != nil {
		return nil, err
	}
	operation := s.newOperation(ctx, sdp.OpCreate, in.Body.Name, "")
	sandbox, err := s.db.CreateSandbox(ctx, postgres.NewSandbox{
		Spec: checked.spec, Owner: info.user, Gateway: checked.gateway.Name, GatewayNode: gateway.Name,
		Operation: operation, Deployments: deployments,
	})
	if err != nil {
		return nil, err
	}
	return s.createdSandbox(ctx, sandbox, operation, deployments, gateway)
}

func (s *Server) createdSandbox(ctx context.Context, sandbox sdp.Sandbox, op sdp.Operation,
	deployments []postgres.NewDeployment, gateway sdp.Node) (*accepted[CreatedSandbox], error) {
	refs := []sdp.OperationRef{operationRef(op)}
	out := CreatedSandbox{
		Sandbox: viewSandbox(sandbox, s.viewsOf([]sdp.Node{gateway})), Operation: s.viewOperation(op),
		Deployments: []Deployment{},
	}
	for _, d := range deployments {
		refs = append(refs, deploymentRef(d.Deployment))
		out.Deployments = append(out.Deployments, s.viewDeployment(d.Deployment))
	}
	infoOf(ctx).started(refs)
	s.submit(ctx, refs)
	return &accepted[CreatedSandbox]{Location: "/api/v1/operations/" + op.ID, Body: out}, nil
}

// checkEnvironment returns an error unless a sandbox may use a version of an environment; version 0 is the newest.
func (s *Server) checkEnvironment(ctx context.Context, name string, version int) error {
	if name == "" {
		if version != 0 {
			return sdp.Errorf(sdp.Invalid, "bad-environment", "there is a version of an environment but no environment").
				WithRemedy("name the environment too")
		}
		return nil
	}
	if err := sdp.CheckEnvironmentName(name); err != nil {
		return err
	}
	_, err := s.db.EnvironmentVersion(ctx, name, version)
	return err
}

// checkTargetURL accepts absolute http and https URLs without credentials, which everybody could read, and without a
// query or fragment, which a prefix cannot have.
func checkTargetURL(raw string) error {
	u, err := url.Parse(raw)
	if err == nil && len(raw) <= 500 && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == "" && u.Opaque == "" && clean(raw, 500) == raw {
		return nil
	}
	return sdp.Errorf(sdp.Invalid, "bad-url", "the URL of the route is not valid").
		WithRemedy("use an absolute one such as http://host:8080/path, without user, password, query or fragment")
}

// gatewayNode is the node that owns the sandbox's port: the gateway repository's, or any GATEWAY node, one that is up
// if there is one.
func (s *Server) gatewayNode(ctx context.Context, gateway sdp.Repository) (sdp.Node, error) {
	if gateway.Node != "" {
		return s.readyNode(ctx, gateway.Node)
	}
	nodes, err := s.db.Nodes(ctx)
	if err != nil {
		return sdp.Node{}, err
	}
	nodes = slices.DeleteFunc(nodes, func(n sdp.Node) bool { return n.Type != sdp.Gateway || n.PortFirst == 0 })
	if len(nodes) == 0 {
		return sdp.Node{}, sdp.Errorf(sdp.Unavailable, "no-gateway-node", "no GATEWAY node has registered").
			WithRemedy("start a worker whose node.yaml has `type: GATEWAY` and `ports:`")
	}
	for _, n := range nodes {
		if s.alive(n) == nil {
			return n, nil
		}
	}
	return nodes[0], s.alive(nodes[0])
}

func (s *Server) deleteSandbox(ctx context.Context, in *sandboxInput) (*accepted[Operation], error) {
	if _, err := s.changeable(ctx, in.Name); err != nil {
		return nil, err
	}
	op := s.newOperation(ctx, sdp.OpDelete, in.Name, "")
	if err := s.db.BeginDelete(ctx, in.Name, op); err != nil {
		return nil, err
	}
	return s.acceptedOperation(ctx, op), nil
}
