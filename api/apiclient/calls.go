package apiclient

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// Login proves the credentials and keeps the session's token for later calls. The token is in the answer.
func (c *Client) Login(ctx context.Context, user, password string) (rest.Session, error) {
	var out rest.Session
	r := request{method: http.MethodPost, path: "/session", in: rest.Login{User: user, Password: password}, out: &out}
	if err := c.call(ctx, r); err != nil {
		return out, err
	}
	c.mu.Lock()
	c.token = out.Token
	c.mu.Unlock()
	return out, nil
}

// Logout revokes the session.
func (c *Client) Logout(ctx context.Context) error {
	return c.call(ctx, request{method: http.MethodDelete, path: "/session"})
}

// Session says who the client is signed in as.
func (c *Client) Session(ctx context.Context) (out rest.Session, err error) {
	return out, c.call(ctx, get("/session", nil, &out))
}

// About describes the installation.
func (c *Client) About(ctx context.Context) (out rest.About, err error) {
	return out, c.call(ctx, get("/about", nil, &out))
}

// Nodes lists all nodes.
func (c *Client) Nodes(ctx context.Context) ([]rest.Node, error) {
	return list[rest.Node](ctx, c, "/nodes")
}

// Repositories lists all repositories.
func (c *Client) Repositories(ctx context.Context) ([]rest.Repository, error) {
	return list[rest.Repository](ctx, c, "/repositories")
}

// Branches lists a repository's branches as the git server has them now.
func (c *Client) Branches(ctx context.Context, repository string) ([]rest.Branch, error) {
	return list[rest.Branch](ctx, c, "/repositories/"+esc(repository)+"/branches")
}

// CreateSandbox accepts a sandbox; its operation and deployments go on in the background.
func (c *Client) CreateSandbox(ctx context.Context, in sdp.SandboxSpec) (out rest.CreatedSandbox, err error) {
	return out, c.call(ctx, change(http.MethodPost, "/sandboxes", in, &out))
}

// Sandboxes lists all sandboxes that are not deleted.
func (c *Client) Sandboxes(ctx context.Context) ([]rest.Sandbox, error) {
	return all[rest.Sandbox](ctx, c, "/sandboxes", nil, 0)
}

// Sandbox returns one sandbox.
func (c *Client) Sandbox(ctx context.Context, name string) (out rest.Sandbox, err error) {
	return out, c.call(ctx, get(sandbox(name), nil, &out))
}

// DeleteSandbox accepts the deletion.
func (c *Client) DeleteSandbox(ctx context.Context, name string) (out rest.Operation, err error) {
	return out, c.call(ctx, change(http.MethodDelete, sandbox(name), nil, &out))
}

// Deploy accepts deployments of a sandbox's services.
func (c *Client) Deploy(ctx context.Context, name string, in rest.Deploy) ([]rest.Deployment, error) {
	var out rest.Deployments
	err := c.call(ctx, change(http.MethodPost, sandbox(name)+"/deployments", in, &out))
	return out.Deployments, err
}

// DeploymentFilter narrows a list of deployments; zero members do not filter. Limit 0 means all.
type DeploymentFilter struct {
	Sandbox, Service, Repository, User, State string

	Branch       string // part of the branch's name
	Active       bool   // only what has not ended
	Since, Until time.Time
	Limit        int
}

// Deployments lists deployments, newest first.
func (c *Client) Deployments(ctx context.Context, f DeploymentFilter) ([]rest.Deployment, error) {
	query := values("sandbox", f.Sandbox, "service", f.Service, "repository", f.Repository, "branch", f.Branch, "user", f.User,
		"state", f.State, "active", flag(f.Active), "since", moment(f.Since), "until", moment(f.Until))
	return all[rest.Deployment](ctx, c, "/deployments", query, f.Limit)
}

// Deployment returns one deployment with its steps.
func (c *Client) Deployment(ctx context.Context, id string) (out rest.Deployment, err error) {
	return out, c.call(ctx, get("/deployments/"+esc(id), nil, &out))
}

// Cancel asks for a deployment to be cancelled; it is cancelled once its state says so.
func (c *Client) Cancel(ctx context.Context, deployment string) (out rest.Deployment, err error) {
	return out, c.call(ctx, change(http.MethodPost, "/deployments/"+esc(deployment)+"/cancel", nil, &out))
}

// CancelOperation asks for an operation to be cancelled; it is cancelled once its state says so.
func (c *Client) CancelOperation(ctx context.Context, id string) (out rest.Operation, err error) {
	return out, c.call(ctx, change(http.MethodPost, "/operations/"+esc(id)+"/cancel", nil, &out))
}

// Progress asks the deployment's workflow.
func (c *Client) Progress(ctx context.Context, deployment string) (out rest.Progress, err error) {
	return out, c.call(ctx, get("/deployments/"+esc(deployment)+"/progress", nil, &out))
}

// Operate accepts an operation of a kind that naming its object says all of. The service is "" where the sandbox is meant.
func (c *Client) Operate(ctx context.Context, kind sdp.OperationKind, sandbox, service string) (out rest.Operation, err error) {
	object := "/sandboxes/" + esc(sandbox)
	if service != "" {
		object = serviceOf(sandbox, service)
	}
	return out, c.call(ctx, change(http.MethodPost, object+"/"+string(kind), nil, &out))
}

// Routes returns a sandbox's routing table.
func (c *Client) Routes(ctx context.Context, name string) (out rest.Routes, err error) {
	return out, c.call(ctx, get(sandbox(name)+"/routes", nil, &out))
}

// SetRoute accepts a change of a service's route.
func (c *Client) SetRoute(ctx context.Context, name, service string, in rest.SetRoute) (out rest.Operation, err error) {
	return out, c.call(ctx, change(http.MethodPut, sandbox(name)+"/routes/"+esc(service), in, &out))
}

// Traffic returns what the routers counted for a sandbox.
func (c *Client) Traffic(ctx context.Context, name string) (out rest.Traffic, err error) {
	return out, c.call(ctx, get(sandbox(name)+"/traffic", nil, &out))
}

// Trace sends a tagged request through a sandbox.
func (c *Client) Trace(ctx context.Context, name string, in rest.TraceRequest) (out rest.Trace, err error) {
	return out, c.call(ctx, change(http.MethodPost, sandbox(name)+"/trace", in, &out))
}

// Operation returns one operation.
func (c *Client) Operation(ctx context.Context, id string) (out rest.Operation, err error) {
	return out, c.call(ctx, get("/operations/"+esc(id), nil, &out))
}

// OperationFilter narrows a list of operations; zero members do not filter. Limit 0 means all.
type OperationFilter struct {
	Sandbox, Service, User, Kind, State string
	Active                              bool // only what has not ended
	Since, Until                        time.Time
	Limit                               int
}

// Operations lists operations of all sandboxes, newest first.
func (c *Client) Operations(ctx context.Context, f OperationFilter) ([]rest.Operation, error) {
	query := values("sandbox", f.Sandbox, "service", f.Service, "user", f.User, "kind", f.Kind, "state", f.State,
		"active", flag(f.Active), "since", moment(f.Since), "until", moment(f.Until))
	return all[rest.Operation](ctx, c, "/operations", query, f.Limit)
}

// AuditFilter narrows the audit; zero members do not filter. Limit 0 means all.
type AuditFilter struct {
	Sandbox, Service, Repository, Branch, Environment, User, Action, Operation, Outcome string

	Text         string // what one of the event's texts contains
	Since, Until time.Time
	Limit        int
}

func (f AuditFilter) query() url.Values {
	return values("sandbox", f.Sandbox, "service", f.Service, "repository", f.Repository, "branch", f.Branch,
		"environment", f.Environment, "user", f.User, "action", f.Action, "operation", f.Operation, "outcome", f.Outcome,
		"text", f.Text, "since", moment(f.Since), "until", moment(f.Until))
}

// Audit lists audit events, newest first.
func (c *Client) Audit(ctx context.Context, f AuditFilter) ([]rest.AuditEvent, error) {
	return all[rest.AuditEvent](ctx, c, "/audit", f.query(), f.Limit)
}

// AuditCSV copies all audit events as a CSV file to w, newest first; the filter's limit does not count. Cells that a
// spreadsheet would take for a formula begin with an apostrophe.
func (c *Client) AuditCSV(ctx context.Context, f AuditFilter, w io.Writer) error {
	response, err := c.send(ctx, get("/audit.csv", f.query(), nil))
	if err != nil {
		return c.unreachable(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return problem(response)
	}
	if _, err := io.Copy(w, response.Body); err != nil {
		return sdp.Errorf(sdp.Unavailable, "file-cut", "the file was cut off: %w", err).WithRemedy("ask again")
	}
	return nil
}

// Ready reports whether the server and what it depends on answer; the error says what does not.
func (c *Client) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.String()+"/readyz", nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	if response.StatusCode != http.StatusServiceUnavailable {
		return decode(response, nil)
	}
	response.StatusCode = http.StatusOK // the body says more than the status
	var health rest.Health
	if err := decode(response, &health); err != nil {
		return err
	}
	for part, state := range health.Checks {
		if state != "ok" {
			return sdp.Errorf(sdp.Unavailable, "not-ready", "the server is not ready: %s %s", part, state).
				WithRemedy("try again in a moment")
		}
	}
	return nil
}

// FailureError returns a deployment's or operation's failure as an error, nil for nil.
func FailureError(f *rest.Failure) error {
	if f == nil {
		return nil
	}
	return &sdp.Error{Kind: sdp.Kind(f.Kind), Code: f.Code, Detail: f.Detail, Remedy: f.Remedy, Command: f.Command}
}

func esc(segment string) string { return url.PathEscape(segment) }

func sandbox(name string) string { return "/sandboxes/" + esc(name) }

func serviceOf(name, service string) string { return sandbox(name) + "/services/" + esc(service) }

// values makes a query of the pairs whose value is not "".
func values(pairs ...string) url.Values {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return query
}

func itoa(n int) string { return strconv.Itoa(n) }

func flag(set bool) string {
	if set {
		return "true"
	}
	return ""
}

// moment is a time in a query, "" for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
