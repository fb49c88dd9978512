package activities

import (
	"context"
	"fmt"
	"time"

	"sdp/internal/failure"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
	"sdp/internal/secret"
	"sdp/internal/secret/payload"
	"sdp/internal/wire"
)

// LoadJob begins a deployment: it reads everything that needs, seals what is confidential of its settings to the node, and records which
// settings it gets.
func (c *Control) LoadJob(ctx context.Context, id string) (wire.Job, error) {
	j, err := c.DB.Job(ctx, id)
	if err != nil {
		return wire.Job{}, fail(err)
	}
	if err := c.mayBegin(ctx, j.Deployment); err != nil {
		return wire.Job{}, fail(err)
	}
	if err := c.requireGateway(ctx, j.GatewayNode); err != nil {
		return wire.Job{}, err
	}
	if err := checkSettings(j); err != nil {
		return wire.Job{}, fail(err)
	}
	d := j.Deployment
	job := wire.Job{Deployment: d.ID, Sandbox: d.Sandbox, Service: d.Service, Repository: j.Repository.Name,
		Node: j.Repository.Node, Kind: j.Repository.Kind, Branch: d.Branch, SHA: d.SHA, Image: d.Image,
		Credentials: j.Credentials, Env: j.Settings.Variables(), Limits: j.Settings.Limits}
	if job.Secrets, err = c.sealSettings(j); err != nil {
		return wire.Job{}, fail(err)
	}
	if err := checkSize(job, j.Settings); err != nil {
		return wire.Job{}, fail(err)
	}
	return job, fail(c.DB.RecordSettings(ctx, id, j.Settings))
}

// mayBegin refuses a deployment that has ended, that somebody cancelled, or that is older than what took its place: its
// hand-over came late, or came again.
func (c *Control) mayBegin(ctx context.Context, d sdp.Deployment) error {
	switch {
	case d.State.Settled():
		return d.AlreadyEnded()
	case d.Cancelling():
		return sdp.Errorf(sdp.Conflict, sdp.CodeCancelled, "deployment %s was cancelled before it began", d.ID)
	}
	by, err := c.DB.Superseder(ctx, d.ID)
	if err == nil && by != (sdp.Superseder{}) {
		err = by.Failure().Err()
	}
	return err
}

// requireGateway refuses a deployment while the node with the sandbox's port is away: once built, it could not be switched to.
// That is not waited for here.
func (c *Control) requireGateway(ctx context.Context, node string) error {
	n, err := c.DB.Node(ctx, node)
	if err != nil {
		return fail(err)
	}
	if err := c.UseCases.Alive(n); err != nil {
		return failure.Workflow(failure.From(err))
	}
	return nil
}

// checkSettings refuses to start a service without what its sandbox says it has.
func checkSettings(j postgres.Job) error {
	s, box := j.Settings, j.Deployment.Sandbox
	if len(s.Layers) == 0 {
		return sdp.Errorf(sdp.Conflict, "service-removed", "service %s is not part of sandbox %s any more", j.Deployment.Service, box).
			WithRemedy("`sdp sandbox show %s` shows what is", box)
	}
	if s.Environment != "" && s.EnvironmentVersion == 0 {
		return sdp.Errorf(sdp.Conflict, "environment-missing", "sandbox %s uses the environment %s, which does not exist", box,
			s.Environment).WithRemedy("make it with `sdp env create %s`, or give the sandbox another one", s.Environment)
	}
	return nil
}

// checkSize refuses a job that is too large for Temporal, and names what makes it so. The bounds of settings keep jobs
// smaller than that; what is stored may be from before there were any.
func checkSize(job wire.Job, s settings.Settings) error {
	size, err := payloadSize(job)
	if err != nil || size <= payload.MaxSize {
		return err
	}
	return sdp.Errorf(sdp.Invalid, "settings-too-large",
		"service %s of sandbox %s would be given %d bytes of variables, secrets and files, which are %d on the way to its node; "+
			"%d are possible; the largest: %s",
		job.Service, job.Sandbox, s.Sizes().Total(), size, payload.MaxSize, s.Sizes().Largest()).
		WithRemedy("shorten or remove some with `sdp env set`, `sdp env unset` or `sdp sandbox set`, then deploy again; "+
			"`sdp env explain %s %s` lists all", job.Sandbox, job.Service)
}

func (c *Control) sealSettings(j postgres.Job) (sdp.SealedBox, error) {
	content, err := c.openSettings(j.Settings)
	if err != nil || len(content.Vars)+len(content.Files) == 0 {
		return sdp.SealedBox{}, err
	}
	plain, err := content.Marshal()
	if err != nil {
		return sdp.SealedBox{}, err
	}
	return secret.SealTo(j.Node.Name, j.Node.KeyID, j.Node.PublicKey, j.Deployment.ID, time.Now().Add(wire.BoxLifetime), plain)
}

func (c *Control) openSettings(s settings.Settings) (wire.Confidential, error) {
	out := wire.Confidential{Vars: map[string]string{}}
	for key, v := range s.Secrets() {
		value, err := c.Keys.Open(sdp.SecretPurpose, v.Sealed, v.Context)
		if err != nil {
			return out, fmt.Errorf("opening secret %s: %w", key, err)
		}
		out.Vars[key] = string(value)
	}
	for _, f := range s.Files {
		content, err := c.Keys.Open(sdp.SecretPurpose, f.Content, s.FileContext+f.Path)
		if err != nil {
			return out, fmt.Errorf("opening file %s: %w", f.Path, err)
		}
		out.Files = append(out.Files, wire.ConfidentialFile{Path: f.Path, Content: content})
	}
	return out, nil
}
