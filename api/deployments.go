package api

import (
	"context"
	"time"

	"sdp/api/rest"
	"sdp/internal/control"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

type deployInput struct {
	Name string `path:"name"`
	Body rest.Deploy
}

func (s *Server) deploy(ctx context.Context, in *deployInput) (*accepted[rest.Deployments], error) {
	created, err := s.control.Deploy(ctx, callOf(ctx), control.Deploy{Sandbox: in.Name, Variables: in.Body.Env, Secrets: in.Body.Secrets,
		Services: rest.List(in.Body.Services, func(v rest.DeployService) control.DeployService { return control.DeployService(v) })})
	if err != nil {
		return nil, err
	}
	return &accepted[rest.Deployments]{
		Location: deploymentsLocation(created), Body: rest.Deployments{Deployments: rest.List(created, s.viewDeployment)},
	}, nil
}

func deploymentsLocation(created []sdp.Deployment) string {
	if len(created) == 1 {
		return "/api/v1/deployments/" + created[0].ID
	}
	return "/api/v1/deployments?sandbox=" + created[0].Sandbox
}

type listDeploymentsInput struct {
	PageQuery
	Sandbox    string              `query:"sandbox" maxLength:"100" doc:"of that name, deleted ones too"`
	Service    string              `query:"service" maxLength:"100"`
	Repository string              `query:"repository" maxLength:"100"`
	Branch     string              `query:"branch" maxLength:"250" doc:"part of the branch's name, upper and lower case alike"`
	User       string              `query:"user" maxLength:"200" doc:"who asked for it"`
	State      sdp.DeploymentState `query:"state"`
	Active     bool                `query:"active" doc:"only what has not ended"`
	Since      time.Time           `query:"since" doc:"asked for then or later"`
	Until      time.Time           `query:"until" doc:"asked for before"`
}

func (s *Server) listDeployments(ctx context.Context, in *listDeploymentsInput) (*body[rest.Page[rest.Deployment]], error) {
	filter := postgres.DeploymentFilter{
		Sandbox: sdp.Printable(in.Sandbox, 100), Service: sdp.Printable(in.Service, 100), Repository: sdp.Printable(in.Repository, 100),
		Branch: sdp.Printable(in.Branch, 250), User: sdp.Printable(in.User, 200), Active: in.Active, Since: in.Since, Until: in.Until,
	}
	if in.State != "" {
		filter.States = []sdp.DeploymentState{in.State}
	}
	deployments, next, err := s.db.Deployments(ctx, filter, in.page())
	if err != nil {
		return nil, err
	}
	out := pageOf(deployments, next, s.viewDeployment)
	for i, d := range deployments {
		if d.Cancelling() && err == nil {
			out.Body.Items[i].WaitingFor, err = s.control.Waits(ctx, d)
		}
	}
	return out, err
}

type idInput struct {
	ID string `path:"id"`
}

func (s *Server) showDeployment(ctx context.Context, in *idInput) (*body[rest.Deployment], error) {
	d, err := s.control.Deployment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := s.viewDeployment(d)
	out.WaitingFor, err = s.control.Waits(ctx, d)
	return &body[rest.Deployment]{out}, err
}

func (s *Server) cancel(ctx context.Context, in *idInput) (*accepted[rest.Deployment], error) {
	d, err := s.control.CancelDeployment(ctx, callOf(ctx), in.ID)
	if err != nil {
		return nil, err
	}
	return &accepted[rest.Deployment]{Location: "/api/v1/deployments/" + d.ID, Body: s.viewDeployment(d)}, nil
}

// progress asks the workflow; where Temporal has no answer the database's is given, and it says so.
func (s *Server) progress(ctx context.Context, in *idInput) (*body[rest.Progress], error) {
	d, err := s.control.Deployment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	p, fromWorkflow, err := s.control.Progress(ctx, d)
	if err != nil {
		return nil, err
	}
	waits, err := s.control.Waits(ctx, d)
	if err != nil {
		return nil, err
	}
	return &body[rest.Progress]{rest.FromProgress(d, p, fromWorkflow, waits, s.runs)}, nil
}

func (s *Server) viewDeployment(d sdp.Deployment) rest.Deployment {
	return rest.FromDeployment(d, s.runs)
}
