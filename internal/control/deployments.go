package control

import (
	"context"
	"maps"
	"regexp"
	"strings"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
	"sdp/internal/wire"
)

// ask is one service somebody wants deployed, checked against what there is.
type ask struct {
	service    string
	branch     string // exactly one of branch and commit
	commit     string
	repository sdp.Repository
}

// variables are what a deploy sets for its services.
type variables struct{ env, secrets map[string]string }

// DeployService asks for one service: exactly one of Branch and Commit.
type DeployService struct{ Service, Branch, Commit string }

// Deploy asks for services of a sandbox. Variables and secrets apply to each of them and stay set for their later
// deployments.
type Deploy struct {
	Sandbox   string
	Services  []DeployService
	Variables map[string]string
	Secrets   map[string]string
}

// Deploy starts a deployment of each service that is asked for.
func (c *Control) Deploy(ctx context.Context, call *Call, in Deploy) ([]sdp.Deployment, error) {
	if err := c.permit(call, sdp.AuditDeploymentCreate, Object{Sandbox: in.Sandbox}); err != nil {
		return nil, err
	}
	known, err := c.catalog(ctx)
	if err != nil {
		return nil, err
	}
	asks, err := planDeploy(known, in.Services)
	call.plan(in.Sandbox, "", asks)
	if err != nil {
		return nil, err
	}
	vars := variables{in.Variables, in.Secrets}
	if err := vars.check(); err != nil {
		return nil, err
	}
	sandbox, err := c.changeable(ctx, in.Sandbox)
	if err != nil {
		return nil, err
	}
	call.plan(in.Sandbox, sandbox.Environment, asks)
	if _, err := c.readyNode(ctx, sandbox.GatewayNode); err != nil {
		return nil, err
	}
	wanted, err := c.newDeployments(ctx, call, sandbox.Name, sandbox.Environment, asks, vars)
	if err != nil {
		return nil, err
	}
	call.started(mapped(wanted, newDeploymentRef))
	created, err := c.db.CreateDeployments(ctx, wanted)
	if err != nil {
		return nil, err
	}
	c.submit(ctx, mapped(created, deploymentRef))
	return created, nil
}

// planDeploy returns what it could make sense of also with an error, for the audit.
func planDeploy(known catalog, services []DeployService) ([]ask, error) {
	var asks []ask
	var first error
	seen := map[string]bool{}
	for _, in := range services {
		a := ask{service: in.Service, branch: in.Branch, commit: in.Commit}
		err := checkAsk(in)
		if err == nil && seen[in.Service] {
			err = sdp.Errorf(sdp.Invalid, "service-twice", "service %s is asked for twice", in.Service).WithRemedy("name it once")
		}
		if err == nil {
			a.repository, err = known.repository(in.Service)
		}
		if first == nil {
			first = err
		}
		seen[in.Service] = true
		asks = append(asks, a)
	}
	return asks, first
}

func checkAsk(in DeployService) error {
	if err := sdp.CheckServiceName(in.Service); err != nil {
		return err
	}
	switch {
	case in.Branch != "" && in.Commit == "":
		return sdp.CheckBranch(in.Branch)
	case in.Commit != "" && in.Branch == "":
		if sdp.IsSHA(in.Commit) {
			return nil
		}
		return sdp.Errorf(sdp.Invalid, "bad-commit", "%q is not a full commit", sdp.Printable(in.Commit, 60)).
			WithRemedy("give all 40 hexadecimal digits, or a branch")
	}
	return sdp.Errorf(sdp.Invalid, "branch-or-commit", "service %s needs either a branch or a commit", in.Service).
		WithRemedy("give exactly one of them, as in `sdp deploy SANDBOX %s@BRANCH`", in.Service)
}

func (v variables) check() error {
	for _, set := range []map[string]string{v.env, v.secrets} {
		for key, value := range set {
			if err := sdp.CheckEnvKey(key); err != nil {
				return err
			}
			if len(value) > settings.MaxValue || strings.ContainsRune(value, 0) {
				return sdp.Errorf(sdp.Invalid, "bad-value", "the value of %s is longer than %d bytes or has a zero byte in it",
					key, settings.MaxValue).WithRemedy("shorten it")
			}
		}
	}
	for key := range v.secrets {
		if _, twice := v.env[key]; twice {
			return sdp.Errorf(sdp.Invalid, "variable-twice", "%s is given as a variable and as a secret", key).
				WithRemedy("give it once")
		}
	}
	return nil
}

// newDeployments makes the rows: each with the caller's credentials sealed to the node that will fetch, and with the
// secrets encrypted. It refuses before anything is written if one of the nodes cannot do it now.
func (c *Control) newDeployments(ctx context.Context, call *Call, sandbox, environment string, asks []ask,
	vars variables) ([]postgres.NewDeployment, error) {
	nodes := map[string]sdp.Node{}
	out := make([]postgres.NewDeployment, 0, len(asks))
	for _, a := range asks {
		node, ok := nodes[a.repository.Node]
		if !ok {
			var err error
			if node, err = c.deployable(ctx, a.repository.Node); err != nil {
				return nil, err
			}
			nodes[a.repository.Node] = node
		}
		d, err := c.newDeployment(call, node, sandbox, environment, a, vars)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func (c *Control) newDeployment(call *Call, node sdp.Node, sandbox, environment string, a ask,
	vars variables) (postgres.NewDeployment, error) {
	d := postgres.NewDeployment{Env: maps.Clone(vars.env), Secrets: map[string][]byte{}}
	d.Deployment = sdp.Deployment{
		ID: sdp.NewID("d-"), Sandbox: sandbox, Service: a.service, Repository: a.repository.Name, Node: node.Name,
		Environment: environment, Branch: a.branch, SHA: a.commit, State: sdp.Queued,
		RequestedBy: call.User, CreatedAt: c.now(),
	}
	var err error
	if d.Credentials, err = c.seal(node, d.ID, call.Actor); err != nil {
		return d, err
	}
	for key, value := range vars.secrets {
		d.Secrets[key], err = c.keys.Seal(sdp.SecretPurpose, []byte(value), sdp.SecretContext(sandbox, a.service, key))
		if err != nil {
			return d, err
		}
	}
	return d, nil
}

var idPattern = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

// Deployment returns a deployment whose ID comes from a caller.
func (c *Control) Deployment(ctx context.Context, id string) (sdp.Deployment, error) {
	if !idPattern.MatchString(id) {
		return sdp.Deployment{}, sdp.Errorf(sdp.NotFound, "deployment-not-found", "there is no deployment %q", sdp.Printable(id, 60)).
			WithRemedy("`sdp history` lists them")
	}
	return c.db.Deployment(ctx, id)
}

// CancelDeployment is accepted once the request for it is durable; the deployment is CANCELLED when the host has confirmed
// it.
func (c *Control) CancelDeployment(ctx context.Context, call *Call, id string) (sdp.Deployment, error) {
	if err := c.permit(call, sdp.AuditDeploymentCancel, Object{Operation: id}); err != nil {
		return sdp.Deployment{}, err
	}
	return c.cancelDeployment(ctx, call, id, call.User)
}

func (c *Control) cancelDeployment(ctx context.Context, call *Call, id, by string) (sdp.Deployment, error) {
	d, err := c.Deployment(ctx, id)
	if err != nil {
		return d, err
	}
	call.about(d)
	if d.State.Settled() {
		return d, sdp.Errorf(sdp.Conflict, "already-settled", "deployment %s is %s: there is nothing to cancel", d.ID, d.State).
			WithRemedy("`sdp stop %s %s` stops what runs", d.Sandbox, d.Service)
	}
	if err := c.begun(ctx, d); err != nil {
		return d, err
	}
	d.CancelRequestedAt, err = c.cancel(ctx, deploymentRef(d), by)
	return d, err
}

// begun refuses to cancel a part of a change that still waits: nobody knows the part before the change begins.
func (c *Control) begun(ctx context.Context, d sdp.Deployment) error {
	if !d.ChangeWaits {
		return nil
	}
	op, err := c.db.Operation(ctx, d.Operation)
	if err == nil {
		err = sdp.Errorf(sdp.Conflict, "not-begun", "the %s that %s is a part of has not begun", op.Kind, d.ID).
			WithRemedy("cancel all of it: `sdp cancel %s`", op.ID)
	}
	return err
}

// Progress is what a deployment's workflow says, or, where Temporal has no answer, the database.
func (c *Control) Progress(ctx context.Context, d sdp.Deployment) (p wire.Progress, fromWorkflow bool, err error) {
	p, err = c.engine.Progress(ctx, d.ID)
	if kind := sdp.KindOf(err); kind == sdp.NotFound || kind == sdp.Unavailable {
		return wire.Progress{Deployment: d.ID, State: d.State, SHA: d.SHA, Steps: d.Steps, Failure: d.Failure}, false, nil
	}
	return p, true, err
}

// OperationWaits says what an operation waits for. A restart that is cancelled waits for what its deployment waits for.
func (c *Control) OperationWaits(ctx context.Context, op sdp.Operation) (string, error) {
	if !op.Cancelling() || op.State == sdp.OpQueued || op.Kind != sdp.OpRestart {
		return op.Waits(), nil
	}
	d, err := c.db.Deployment(ctx, sdp.RestartDeployment(op.ID))
	if sdp.KindOf(err) == sdp.NotFound { // it has not begun
		return op.Waits(), nil
	}
	if err != nil {
		return "", err
	}
	return c.Waits(ctx, d)
}

// Waits says what a deployment waits for, and if that is a node, what is wrong with it.
func (c *Control) Waits(ctx context.Context, d sdp.Deployment) (string, error) {
	if !d.Cancelling() || d.State == sdp.Queued {
		return d.Waits(), nil
	}
	node, err := c.db.Node(ctx, d.Node)
	if err != nil {
		return "", err
	}
	if problems := c.Problems(node); len(problems) > 0 {
		return d.Waits() + ": " + strings.Join(problems, "; "), nil
	}
	return d.Waits(), nil
}
