package api

import (
	"context"

	"sdp/api/problem"
	"sdp/api/rest"
	"sdp/internal/control"
	"sdp/internal/postgres"
)

func (s *Server) environmentUsage(ctx context.Context, in *environmentInput) (*body[rest.EnvironmentUsage], error) {
	e, err := s.control.Environment(ctx, in.Environment)
	if err != nil {
		return nil, err
	}
	sandboxes, users, err := s.db.EnvironmentUsers(ctx, e.Name)
	if err != nil {
		return nil, err
	}
	return &body[rest.EnvironmentUsage]{rest.EnvironmentUsage{Name: e.Name, Version: e.Version,
		Sandboxes: append([]string{}, sandboxes...), Services: rest.List(users, viewEnvironmentUser)}}, nil
}

func viewEnvironmentUser(u postgres.EnvironmentUser) rest.EnvironmentUser {
	return rest.EnvironmentUser{Sandbox: u.Sandbox, Service: u.Service, Owner: u.Owner, Deployment: u.Deployment, Runs: u.Runs,
		Version: u.Version, Pinned: u.Pinned, Behind: u.Behind}
}

type redeployInput struct {
	Environment string `path:"environment"`
	Body        *rest.RedeployEnvironment
}

func (s *Server) redeployEnvironment(ctx context.Context, in *redeployInput) (*accepted[rest.EnvironmentRedeployed], error) {
	var only []string
	if in.Body != nil {
		only = in.Body.Sandboxes
	}
	done, err := s.control.RedeployEnvironment(ctx, callOf(ctx), in.Environment, only)
	if err != nil {
		return nil, err
	}
	e := done.Environment
	return &accepted[rest.EnvironmentRedeployed]{
		Location: "/api/v1/environments/" + e.Name + "/usage",
		Body: rest.EnvironmentRedeployed{Name: e.Name, Version: e.Version,
			Operations: rest.List(done.Operations, s.viewOperation), Refused: rest.List(done.Refused, viewRefused)},
	}, nil
}

func viewRefused(r control.RefusedRestart) rest.RedeployRefused {
	e, _ := problem.Classify(r.Why)
	return rest.RedeployRefused{Sandbox: r.Sandbox, Service: r.Service, Code: e.Code, Detail: e.Detail, Remedy: e.Remedy}
}
