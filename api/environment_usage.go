package api

import (
	"context"
	"slices"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

func (s *Server) environmentUsage(ctx context.Context, in *environmentInput) (*body[EnvironmentUsage], error) {
	e, err := s.environment(ctx, in.Environment)
	if err != nil {
		return nil, err
	}
	sandboxes, users, err := s.db.EnvironmentUsers(ctx, e.Name)
	if err != nil {
		return nil, err
	}
	return &body[EnvironmentUsage]{EnvironmentUsage{Name: e.Name, Version: e.Version, Sandboxes: append([]string{}, sandboxes...),
		Services: views(users, viewEnvironmentUser)}}, nil
}

func viewEnvironmentUser(u postgres.EnvironmentUser) EnvironmentUser {
	return EnvironmentUser{Sandbox: u.Sandbox, Service: u.Service, Owner: u.Owner, Deployment: u.Deployment, Runs: u.Runs,
		Version: u.Version, Pinned: u.Pinned, Behind: u.Behind}
}

type redeployInput struct {
	Environment string `path:"environment"`
	Body        *RedeployEnvironment
}

// redeployEnvironment restarts what runs with another version than a restart would give it. What cannot be restarted now
// does not keep the rest from it.
func (s *Server) redeployEnvironment(ctx context.Context, in *redeployInput) (*accepted[EnvironmentRedeployed], error) {
	info := infoOf(ctx)
	info.event.Environment = in.Environment
	e, err := s.environment(ctx, in.Environment)
	if err != nil {
		return nil, err
	}
	users, err := s.behindOf(ctx, e.Name, in.Body)
	if err != nil {
		return nil, err
	}
	out := EnvironmentRedeployed{Name: e.Name, Version: e.Version, Operations: []Operation{}, Refused: []RedeployRefused{}}
	info.events = []sdp.AuditEvent{info.event}
	var refs []sdp.OperationRef
	for _, u := range users {
		op, err := s.redeploy(ctx, u)
		if err != nil {
			out.Refused = append(out.Refused, refusedOf(u, err))
			continue
		}
		out.Operations = append(out.Operations, s.viewOperation(op))
		refs = append(refs, operationRef(op))
		info.events = append(info.events, sdp.AuditEvent{Action: "service.restart", Sandbox: u.Sandbox, Service: u.Service,
			Environment: e.Name, Operation: op.ID})
	}
	s.submit(ctx, refs)
	return &accepted[EnvironmentRedeployed]{Location: "/api/v1/environments/" + e.Name + "/usage", Body: out}, nil
}

// behindOf lists what is behind in the sandboxes a request names, or in all.
func (s *Server) behindOf(ctx context.Context, name string, in *RedeployEnvironment) ([]postgres.EnvironmentUser, error) {
	sandboxes, users, err := s.db.EnvironmentUsers(ctx, name)
	if err != nil {
		return nil, err
	}
	only := sandboxes
	if in != nil && len(in.Sandboxes) > 0 {
		only = in.Sandboxes
	}
	for _, sandbox := range only {
		if !slices.Contains(sandboxes, sandbox) {
			return nil, unknown("unknown-sandbox", "sandbox that uses environment "+name, sandbox, sandboxes,
				"`sdp env usage "+name+"` lists them")
		}
	}
	return slices.DeleteFunc(users, func(u postgres.EnvironmentUser) bool {
		return !u.Behind || !slices.Contains(only, u.Sandbox)
	}), nil
}

func refusedOf(u postgres.EnvironmentUser, err error) RedeployRefused {
	e, _ := classify(err)
	return RedeployRefused{Sandbox: u.Sandbox, Service: u.Service, Code: e.Code, Detail: e.Detail, Remedy: e.Remedy}
}

// redeploy queues the restart of one service.
func (s *Server) redeploy(ctx context.Context, u postgres.EnvironmentUser) (sdp.Operation, error) {
	op := s.newOperation(ctx, sdp.OpRestart, u.Sandbox, u.Service)
	_, service, err := s.service(ctx, serviceInput{Name: u.Sandbox, Service: u.Service})
	if err != nil {
		return op, err
	}
	if service.Latest != nil && !service.Latest.State.Settled() {
		return op, sdp.Errorf(sdp.Conflict, "deploying", "%s is being deployed in sandbox %s", u.Service, u.Sandbox).
			WithRemedy("wait until deployment %s has ended, then look at `sdp env usage` again", service.Latest.ID)
	}
	last, err := s.db.LastDeployment(ctx, u.Sandbox, u.Service)
	if err != nil {
		return op, err
	}
	if _, err := s.deployable(ctx, last.Node); err != nil {
		return op, err
	}
	return op, s.db.CreateOperation(ctx, op)
}
