package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"sdp/api/rest"
	"sdp/internal/sdp"
	"sdp/internal/sdp/planning"
)

// answersStarted reports whether what an action has started says all of its answer. A cancel starts nothing new: it may be
// sent twice. A redeploy of an environment is many operations, each accepted by itself.
func answersStarted(action sdp.AuditAction) bool {
	return !slices.Contains([]sdp.AuditAction{
		sdp.AuditDeploymentCancel, sdp.AuditOperationCancel, sdp.AuditEnvironmentRedeploy}, action)
}

// answerStarted answers a request whose first answer was lost, with what it has started as that is now.
func (s *Server) answerStarted(c *gin.Context, started []string) error {
	ctx := c.Request.Context()
	var operations []sdp.Operation
	var deployments []sdp.Deployment
	for _, id := range started {
		if strings.HasPrefix(id, "d-") {
			d, err := s.db.Deployment(ctx, id)
			if err != nil {
				return err
			}
			deployments = append(deployments, d)
			continue
		}
		op, err := s.db.Operation(ctx, id)
		if err != nil {
			return err
		}
		operations = append(operations, op)
	}
	if len(operations) == 0 {
		c.Header("Location", deploymentsLocation(deployments))
		c.JSON(http.StatusAccepted, rest.Deployments{Deployments: rest.List(deployments, s.viewDeployment)})
		return nil
	}
	body, err := s.startedBy(ctx, operations[0], rest.List(deployments, s.viewDeployment))
	if err == nil {
		c.Header("Location", operationLocation(operations[0]))
		c.JSON(http.StatusAccepted, body)
	}
	return err
}

// startedBy is what the request for an operation answers.
func (s *Server) startedBy(ctx context.Context, op sdp.Operation, deployments []rest.Deployment) (any, error) {
	view := s.viewOperation(op)
	switch {
	case op.Kind == sdp.OpCreate:
		sandbox, err := s.control.Sandbox(ctx, op.Sandbox)
		if err != nil {
			return nil, err
		}
		nodes, err := s.nodes(ctx)
		return rest.CreatedSandbox{Sandbox: rest.FromSandbox(sandbox, nodes), Operation: view, Deployments: deployments}, err
	case op.Kind.Changes():
		return rest.Applied{Plan: rest.FromPlan(plannedBy(op)), Operation: &view, Deployments: deployments}, nil
	}
	return view, nil
}

// plannedBy is what is still known of the plan that a change carries out.
func plannedBy(op sdp.Operation) planning.Plan {
	p := planning.Plan{Sandbox: op.Sandbox, New: op.Change.New, Hash: op.Change.Plan}
	for _, a := range op.Change.Actions {
		p.Services = append(p.Services, planning.Service{Service: a.Service, Action: a.Kind})
	}
	return p
}
