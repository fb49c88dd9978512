package api

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// This file turns domain values into views. Nothing secret is in a domain value, so nothing has to be left out here.

func viewSandbox(b sdp.Sandbox, nodes nodeViews) Sandbox {
	traffic := sdp.TrafficOf(b.Traffic, nodes.now)
	judged, services := b.Judge(traffic, nodes.trouble)
	return Sandbox{
		Name: b.Name, State: string(b.State), Deleting: b.Deleting, Owner: b.Owner, Description: b.Description,
		Labels: b.Labels, Environment: b.Environment, EnvironmentVersion: b.EnvironmentVersion, Variables: b.Variables,
		SecretKeys: b.SecretKeys, Limits: viewSandboxLimits(b.Limits), Expiry: viewExpiry(b.Expiry), Gateway: b.Gateway, GatewayNode: b.GatewayNode, Port: b.Port,
		URL: sandboxURL(nodes.hosts[b.GatewayNode], b.Port), RouteVersion: b.RouteVersion,
		CreatedAt: utc(b.CreatedAt), DeletedAt: utc(b.DeletedAt),
		Health: string(judged.Health), HealthReasons: judged.Reasons, LastActivity: utc(traffic.LastActivity),
		Services:  views(b.Services, func(v sdp.Service) Service { return viewService(v, services[v.Name], nodes.deployment) }),
		Attention: views(b.Attention(), viewAttention),
	}
}

func sandboxURL(host string, port int) string {
	if host == "" || port == 0 {
		return ""
	}
	return fmt.Sprintf("http://%s:%d", host, port)
}

func viewService(v sdp.Service, judged sdp.Judged[sdp.ServiceHealth], deployment func(sdp.Deployment) Deployment) Service {
	out := Service{
		Name: v.Name, Branch: v.Branch, Commit: v.Commit, Track: v.Track, BranchGone: utc(v.BranchGone),
		Limits: viewLimits(v.Limits), Source: string(v.Source), URL: v.URL, Env: v.Env, SecretKeys: v.SecretKeys,
		Behind: v.Behind, Health: string(judged.Health), Reason: strings.Join(judged.Reasons, "; "),
	}
	if v.Serving != nil {
		c := viewContainer(*v.Serving)
		out.Serving = &c
	}
	if v.Latest != nil {
		d := deployment(*v.Latest)
		out.Latest = &d
	}
	return out
}

func viewContainer(c sdp.Container) Container {
	return Container{
		Deployment: c.Deployment, Name: sdp.ContainerName(c.Sandbox, c.Service), Node: c.Node, DockerID: c.DockerID,
		Address: c.Address, Branch: c.Branch, SHA: c.SHA, Image: c.Image, State: string(c.State),
	}
}

func (s *Server) viewDeployment(d sdp.Deployment) Deployment {
	return Deployment{
		ID: d.ID, Sandbox: d.Sandbox, Service: d.Service, Repository: d.Repository, Node: d.Node,
		Environment: d.Environment, EnvironmentVersion: d.EnvironmentVersion, Operation: d.Operation, Branch: d.Branch,
		SHA: d.SHA, Image: d.Image, State: string(d.State),
		Settled: d.State.Settled(), WaitingFor: d.Waits(), Failure: viewFailure(d.Failure),
		RequestedBy: d.RequestedBy, CreatedAt: utc(d.CreatedAt), StartedAt: utc(d.StartedAt),
		FinishedAt: utc(d.FinishedAt), Steps: views(d.Steps, viewStep),
		Cancelling: d.Cancelling(), CancelRequestedAt: utc(d.CancelRequestedAt),
		TemporalURL: s.temporalURL(sdp.OpDeploy, d.ID),
	}
}

// temporalURL is where the Temporal Web UI shows an operation's run, "" without one.
func (s *Server) temporalURL(kind sdp.OperationKind, id string) string {
	if s.cfg.TemporalUI == "" {
		return ""
	}
	return strings.TrimRight(s.cfg.TemporalUI, "/") + "/namespaces/" + url.PathEscape(s.cfg.TemporalNamespace) +
		"/workflows/" + url.PathEscape(sdp.OperationWorkflowID(kind, id))
}

func viewStep(p sdp.Step) Step {
	return Step{
		Name: string(p.Name), State: string(p.State), StartedAt: utc(p.StartedAt), FinishedAt: utc(p.FinishedAt),
		Detail: p.Detail,
	}
}

func viewFailure(f *sdp.Failure) *Failure {
	if f == nil {
		return nil
	}
	return &Failure{
		Step: string(f.Step), Kind: string(f.Kind), Code: f.Code, Detail: f.Detail, Remedy: f.Remedy, Output: f.Output,
	}
}

func (s *Server) viewOperation(o sdp.Operation) Operation {
	return Operation{
		ID: o.ID, Kind: string(o.Kind), Sandbox: o.Sandbox, Service: o.Service, Source: string(o.Source), URL: o.URL,
		State: string(o.State), WaitingFor: o.Waits(), Failure: viewFailure(o.Failure), RequestedBy: o.RequestedBy,
		CreatedAt: utc(o.CreatedAt), FinishedAt: utc(o.FinishedAt),
		Cancelling: o.Cancelling(), CancelRequestedAt: utc(o.CancelRequestedAt), TemporalURL: s.temporalURL(o.Kind, o.ID),
	}
}

func viewRepository(r sdp.Repository) Repository {
	return Repository{
		Name: r.Name, Node: r.Node, NodeType: string(r.NodeType), Kind: string(r.Kind), RemoteURL: r.RemoteURL,
		Port: r.Port, Health: r.HealthPath, OCP: r.OCP, Gateway: r.IsGateway(),
	}
}

func viewBranch(b sdp.Branch) Branch {
	return Branch{Name: b.Name, SHA: b.SHA, Subject: b.Subject, Author: b.Author, CommittedAt: utc(b.CommittedAt)}
}

func viewRoute(r sdp.ServiceRoute) ServiceRoute {
	out := ServiceRoute{Service: r.Service, Port: r.Port, Source: string(r.Source), URL: r.URL, Reason: r.Reason}
	if t := r.Target; t != nil {
		out.Node, out.Address, out.SHA, out.Deployment = t.Node, t.Address, t.SHA, t.Deployment
	}
	return out
}

// millis is a duration as answers give it, in milliseconds.
func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func viewTraffic(t sdp.Traffic) TrafficCount {
	return TrafficCount{Requests: t.Requests, PerSecond: t.PerSecond, Errors: t.Errors, InFlight: t.InFlight,
		P50Millis: millis(t.P50), P95Millis: millis(t.P95)}
}

func viewTrace(t sdp.Trace) Trace {
	return Trace{
		ID: t.ID, Sandbox: t.Sandbox, Path: t.Path, Status: t.Status, Body: t.Body, Hops: views(t.Hops, viewHop),
		Missing: t.Missing,
	}
}

func viewHop(h sdp.Hop) Hop {
	return Hop{
		Node: h.Node, From: h.From, Service: h.Service, Source: string(h.Source), Target: h.Target, SHA: h.SHA,
		Deployment: h.Deployment, Method: h.Method, Path: h.Path, Status: h.Status, StartedAt: h.StartedAt,
		Millis: float64(h.Duration) / 1000, Inferred: h.Inferred,
	}
}

func viewAudit(e sdp.AuditEvent) AuditEvent {
	return AuditEvent{
		ID: e.ID, At: utc(e.At), User: e.User, Action: e.Action, Sandbox: e.Sandbox, Service: e.Service,
		Repository: e.Repository, Branch: e.Branch, SHA: e.SHA, Environment: e.Environment, Operation: e.Operation,
		Outcome: string(e.Outcome), Detail: e.Detail,
	}
}

// utc keeps the zero time zero, so that it is left out.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
