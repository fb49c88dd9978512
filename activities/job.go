package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// boxLifetime is how long a node may open what is sealed to it: longer than a deployment may wait for a build slot.
const boxLifetime = 2 * time.Hour

// LoadJob reads everything a deployment needs, seals what is confidential of its settings to the node, and records which
// settings it gets.
func (c *Control) LoadJob(ctx context.Context, id string) (Job, error) {
	j, err := c.DB.Job(ctx, id)
	if err != nil {
		return Job{}, fail(err)
	}
	if err := checkSettings(j); err != nil {
		return Job{}, fail(err)
	}
	job := Job{Deployment: j.Deployment, Repository: j.Repository, Credentials: j.Credentials,
		Env: j.Settings.Variables(), Limits: j.Settings.Limits, Table: j.Table, TableNodes: j.TableNodes}
	if job.Secrets, err = c.sealSettings(j); err != nil {
		return Job{}, fail(err)
	}
	return job, fail(c.DB.RecordSettings(ctx, id, j.Settings))
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

func (c *Control) sealSettings(j postgres.Job) (sdp.SealedBox, error) {
	content, err := c.openSettings(j.Settings)
	if err != nil || len(content.Vars)+len(content.Files) == 0 {
		return sdp.SealedBox{}, err
	}
	plain, err := json.Marshal(content)
	if err != nil {
		return sdp.SealedBox{}, err
	}
	return sealTo(j.Node, j.Deployment.ID, boxLifetime, plain)
}

// sealTo seals something to a node for one operation.
func sealTo(n sdp.Node, operation string, lifetime time.Duration, plain []byte) (sdp.SealedBox, error) {
	return secret.SealTo(n.Name, n.KeyID, n.PublicKey, operation, time.Now().Add(lifetime), plain)
}

func (c *Control) openSettings(s sdp.Settings) (Confidential, error) {
	out := Confidential{Vars: map[string]string{}}
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
		out.Files = append(out.Files, ConfidentialFile{Path: f.Path, Content: content})
	}
	return out, nil
}
