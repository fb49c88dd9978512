package api

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// maxValue bounds the value of a variable or secret, in bytes; the kernel limits the whole environment to about 2 MB
// and one string to 128 KiB.
const maxValue = 32 << 10

// ask is one service somebody wants deployed, checked against what there is.
type ask struct {
	service    string
	branch     string // exactly one of branch and commit
	commit     string
	repository sdp.Repository
}

// variables are what a deploy sets for its services.
type variables struct{ env, secrets map[string]string }

type deployInput struct {
	Name string `path:"name"`
	Body Deploy
}

func (s *Server) deploy(ctx context.Context, in *deployInput) (*accepted[Deployments], error) {
	known, err := s.catalog(ctx)
	if err != nil {
		return nil, err
	}
	asks, err := planDeploy(known, in.Body.Services)
	info := infoOf(ctx)
	info.plan(in.Name, "", asks)
	if err != nil {
		return nil, err
	}
	vars := variables{in.Body.Env, in.Body.Secrets}
	if err := vars.check(); err != nil {
		return nil, err
	}
	sandbox, err := s.changeable(ctx, in.Name)
	if err != nil {
		return nil, err
	}
	info.plan(in.Name, sandbox.Environment, asks)
	wanted, err := s.newDeployments(ctx, sandbox.Name, sandbox.Environment, asks, vars)
	if err != nil {
		return nil, err
	}
	created, err := s.db.CreateDeployments(ctx, wanted)
	if err != nil {
		return nil, err
	}
	refs := views(created, deploymentRef)
	info.started(refs)
	s.submit(ctx, refs)
	return &accepted[Deployments]{
		Location: deploymentsLocation(created), Body: Deployments{Deployments: views(created, s.viewDeployment)},
	}, nil
}

func deploymentsLocation(created []sdp.Deployment) string {
	if len(created) == 1 {
		return "/api/v1/deployments/" + created[0].ID
	}
	return "/api/v1/deployments?sandbox=" + created[0].Sandbox
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
		return sdp.Errorf(sdp.Invalid, "bad-commit", "%q is not a full commit", clean(in.Commit, 60)).
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
			if len(value) > maxValue || strings.ContainsRune(value, 0) {
				return sdp.Errorf(sdp.Invalid, "bad-value", "the value of %s is longer than %d bytes or has a zero byte in it",
					key, maxValue).WithRemedy("shorten it")
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
func (s *Server) newDeployments(ctx context.Context, sandbox, environment string, asks []ask,
	vars variables) ([]postgres.NewDeployment, error) {
	nodes := map[string]sdp.Node{}
	out := make([]postgres.NewDeployment, 0, len(asks))
	for _, a := range asks {
		node, ok := nodes[a.repository.Node]
		if !ok {
			var err error
			if node, err = s.deployable(ctx, a.repository.Node); err != nil {
				return nil, err
			}
			nodes[a.repository.Node] = node
		}
		d, err := s.newDeployment(ctx, node, sandbox, environment, a, vars)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func (s *Server) newDeployment(ctx context.Context, node sdp.Node, sandbox, environment string, a ask,
	vars variables) (postgres.NewDeployment, error) {
	now := s.cfg.Now()
	d := postgres.NewDeployment{Env: maps.Clone(vars.env), Secrets: map[string][]byte{}}
	d.Deployment = sdp.Deployment{
		ID: sdp.NewID("d-"), Sandbox: sandbox, Service: a.service, Repository: a.repository.Name, Node: node.Name,
		Environment: environment, Branch: a.branch, SHA: a.commit, State: sdp.Queued,
		RequestedBy: sessionOf(ctx).User, CreatedAt: now,
	}
	var err error
	if d.Credentials, err = seal(node, d.ID, sessionOf(ctx), now); err != nil {
		return d, err
	}
	for key, value := range vars.secrets {
		d.Secrets[key], err = s.cfg.Keys.Seal(sdp.SecretPurpose, []byte(value), sdp.SecretContext(sandbox, a.service, key))
		if err != nil {
			return d, err
		}
	}
	return d, nil
}

type listDeploymentsInput struct {
	PageQuery
	Sandbox    string    `query:"sandbox" maxLength:"100" doc:"of that name, deleted ones too"`
	Service    string    `query:"service" maxLength:"100"`
	Repository string    `query:"repository" maxLength:"100"`
	Branch     string    `query:"branch" maxLength:"250" doc:"part of the branch's name, upper and lower case alike"`
	User       string    `query:"user" maxLength:"200" doc:"who asked for it"`
	State      string    `query:"state" enum:"QUEUED,FETCHING,CHECKOUT,BUILDING,CREATING_IMAGE,STARTING_CONTAINER,RUNNING,FAILED,STOPPED,CANCELLED"`
	Active     bool      `query:"active" doc:"only what has not ended"`
	Since      time.Time `query:"since" doc:"asked for then or later"`
	Until      time.Time `query:"until" doc:"asked for before"`
}

func (s *Server) listDeployments(ctx context.Context, in *listDeploymentsInput) (*body[Page[Deployment]], error) {
	filter := postgres.DeploymentFilter{
		Sandbox: clean(in.Sandbox, 100), Service: clean(in.Service, 100), Repository: clean(in.Repository, 100),
		Branch: clean(in.Branch, 250), User: clean(in.User, 200), Active: in.Active, Since: in.Since, Until: in.Until,
	}
	if in.State != "" {
		filter.States = []sdp.DeploymentState{sdp.DeploymentState(in.State)}
	}
	deployments, next, err := s.db.Deployments(ctx, filter, in.page())
	if err != nil {
		return nil, err
	}
	return pageOf(deployments, next, s.viewDeployment), nil
}

type idInput struct {
	ID string `path:"id"`
}

var idPattern = regexp.MustCompile(`^[a-z0-9-]{1,40}$`)

func (s *Server) deployment(ctx context.Context, id string) (sdp.Deployment, error) {
	if !idPattern.MatchString(id) {
		return sdp.Deployment{}, sdp.Errorf(sdp.NotFound, "deployment-not-found", "there is no deployment %q", clean(id, 60)).
			WithRemedy("`sdp history` lists them")
	}
	return s.db.Deployment(ctx, id)
}

func (s *Server) showDeployment(ctx context.Context, in *idInput) (*body[Deployment], error) {
	d, err := s.deployment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := s.viewDeployment(d)
	out.WaitingFor, err = s.waits(ctx, d)
	return &body[Deployment]{out}, err
}

// waits says what a deployment waits for, and if that is a node, what is wrong with it.
func (s *Server) waits(ctx context.Context, d sdp.Deployment) (string, error) {
	if !d.Cancelling() || d.State == sdp.Queued {
		return d.Waits(), nil
	}
	node, err := s.db.Node(ctx, d.Node)
	if err != nil {
		return "", err
	}
	if problems := s.problems(node); len(problems) > 0 {
		return d.Waits() + ": " + strings.Join(problems, "; "), nil
	}
	return d.Waits(), nil
}

// cancel is accepted once the request for it is durable; the deployment is CANCELLED when the host has confirmed it.
func (s *Server) cancel(ctx context.Context, in *idInput) (*accepted[Deployment], error) {
	infoOf(ctx).event.Operation = in.ID
	d, err := s.deployment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	infoOf(ctx).about(d)
	if d.State.Settled() {
		return nil, sdp.Errorf(sdp.Conflict, "already-settled", "deployment %s is %s: there is nothing to cancel", d.ID, d.State).
			WithRemedy("`sdp stop %s %s` stops what runs", d.Sandbox, d.Service)
	}
	if err := s.begun(ctx, d); err != nil {
		return nil, err
	}
	if err := s.cfg.Engine.Cancel(ctx, d.Sandbox, d.ID); err != nil {
		return nil, err
	}
	d.CancelRequestedAt = s.markCancelled(ctx, d.ID)
	return &accepted[Deployment]{Location: "/api/v1/deployments/" + d.ID, Body: s.viewDeployment(d)}, nil
}

// begun refuses to cancel a part of a change that still waits: nobody knows the part before the change begins.
func (s *Server) begun(ctx context.Context, d sdp.Deployment) error {
	if d.Operation == "" {
		return nil
	}
	op, err := s.db.Operation(ctx, d.Operation)
	if err == nil && op.State == sdp.OpQueued {
		err = sdp.Errorf(sdp.Conflict, "not-begun", "the %s that %s is a part of has not begun", op.Kind, d.ID).
			WithRemedy("cancel all of it: `sdp cancel %s`", op.ID)
	}
	return err
}

// progress asks the workflow; where Temporal has no answer the database's is given, and it says so.
func (s *Server) progress(ctx context.Context, in *idInput) (*body[Progress], error) {
	d, err := s.deployment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	p, err := s.cfg.Engine.Progress(ctx, d.ID)
	source := "workflow"
	switch kind := sdp.KindOf(err); {
	case err == nil:
	case slices.Contains([]sdp.Kind{sdp.NotFound, sdp.Unavailable}, kind):
		source = "database"
		p = sdp.Progress{Deployment: d.ID, State: d.State, SHA: d.SHA, Steps: d.Steps, Failure: d.Failure}
	default:
		return nil, err
	}
	waits, err := s.waits(ctx, d)
	if err != nil {
		return nil, err
	}
	return &body[Progress]{Progress{
		Deployment: d.ID, State: string(p.State), SHA: p.SHA, Steps: views(p.Steps, viewStep),
		Failure: viewFailure(p.Failure), Cancelling: p.Cancelling || d.Cancelling(), Source: source,
		CancelRequestedAt: utc(d.CancelRequestedAt), WaitingFor: waits, TemporalURL: s.temporalURL(sdp.OpDeploy, d.ID),
	}}, nil
}
