package activities

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sdp/internal/node"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
	"sdp/internal/wire"
)

// environment stores a version of the environment of the name, made if there is none.
func (p *platform) environment(name string, variables, secrets, files map[string]string) settings.Environment {
	p.t.Helper()
	change := postgres.EnvironmentChange{Name: name, User: "ann", Change: func(s postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) {
		c := postgres.EnvironmentContent{Variables: variables, Secrets: map[string][]byte{}, Files: map[string]settings.SealedFile{}}
		for key, value := range secrets {
			c.Secrets[key] = p.seal(value, settings.EnvironmentContext(s.ID, key))
		}
		for path, content := range files {
			c.Files[path] = settings.SealedFile{Path: path, Size: len(content), Content: p.seal(content, settings.EnvironmentContext(s.ID, path))}
		}
		return &c, nil
	}}
	e, err := p.DB.UpdateEnvironment(p.t.Context(), change)
	if sdp.KindOf(err) == sdp.NotFound {
		e, err = p.DB.CreateEnvironment(p.t.Context(), change)
	}
	p.must(err)
	return e
}

func (p *platform) seal(value, context string) []byte {
	p.t.Helper()
	sealed, err := p.Keys.Seal(sdp.SecretPurpose, []byte(value), context)
	p.must(err)
	return sealed
}

// confidential is what the node finds in a job's box.
func (p *platform) confidential(job wire.Job) wire.Confidential {
	p.t.Helper()
	var c wire.Confidential
	if job.Secrets.Empty() {
		return c
	}
	plain, err := p.node.Open(job.Secrets, "micro-1", job.Deployment, time.Now())
	p.must(err)
	c, err = wire.ParseConfidential(plain)
	p.must(err)
	return c
}

func TestLoadJobLayersTheSettings(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.environment("dev", map[string]string{"LEVEL": "info", "REGION": "eu", "NOW_SECRET": "plain"},
		map[string]string{"NOW_OPEN": "s3cret", "TOKEN": "t0ken"}, map[string]string{"/etc/app/ca.pem": "PEM"})
	p.sql(`UPDATE sandboxes SET environment = 'dev', variables = '{"REGION": "box", "ONLY": "box"}', limits = '{"container": {"memory": 64}}'`)
	p.sql(`UPDATE nodes SET limits = '{"memory": 512, "pids": 100}'`)
	p.sql(`UPDATE repositories SET variables = '{"REGION": "repo", "TZ": "UTC"}' WHERE name = 'account'`)
	id := p.queue(postgres.NewDeployment{Env: map[string]string{"LEVEL": "debug", "NOW_OPEN": "open"},
		Secrets:     map[string][]byte{"NOW_SECRET": p.seal("hidden", sdp.SecretContext("box", "account", "NOW_SECRET"))},
		Credentials: sdp.SealedBox{Node: "micro-1", Ciphertext: []byte("box")}})
	job, err := p.LoadJob(t.Context(), id)
	p.must(err)
	want, _ := json.Marshal(map[string]string{"LEVEL": "debug", "REGION": "box", "ONLY": "box", "TZ": "UTC", "NOW_OPEN": "open"})
	env, _ := json.Marshal(job.Env)
	equal(t, "variables", string(env), string(want))
	confidential, _ := json.Marshal(p.confidential(job))
	equal(t, "box", string(confidential),
		`{"vars":{"NOW_SECRET":"hidden","TOKEN":"t0ken"},"files":[{"path":"/etc/app/ca.pem","content":"UEVN"}]}`)
	equal(t, "limits", job.Limits, sdp.Limits{Memory: 64, PIDs: 100})
	equal(t, "credentials", string(job.Credentials.Ciphertext), "box")
	raw, _ := json.Marshal(job)
	for _, secret := range []string{"s3cret", "t0ken", "hidden", "UEVN"} {
		equal(t, "job shows "+secret, strings.Contains(string(raw), secret), false)
	}
	d := p.deployment(id)
	equal(t, "environment", d.Environment, "dev")
	equal(t, "version", d.EnvironmentVersion, 1)
	settings, err := p.DB.Settings(t.Context(), "box")
	p.must(err)
	equal(t, "digest", d.SettingsDigest, settings["account"].Digest())
}

// What Explain says is what the container gets.
func TestExplainSaysWhatTheNodeGets(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.environment("dev", map[string]string{"A": "env", "B": "env"}, map[string]string{"C": "env"}, nil)
	p.sql(`UPDATE sandboxes SET environment = 'dev', variables = '{"B": "box", "C": "box"}'`)
	p.sql(`UPDATE repositories SET variables = '{"A": "repo", "D": "repo"}' WHERE name = 'account'`)
	job, err := p.LoadJob(t.Context(), p.queue(postgres.NewDeployment{
		Secrets: map[string][]byte{"B": p.seal("service", sdp.SecretContext("box", "account", "B"))}}))
	p.must(err)
	settings, err := p.DB.Settings(t.Context(), "box")
	p.must(err)
	got := node.Environment(wire.Job{Env: job.Env}, node.Repository{Repository: sdp.Repository{Name: "account", Port: 8080}}, p.confidential(job).Vars)
	for _, v := range settings["account"].Explain() {
		value := v.Value
		if v.Secret {
			value = string(v.Layer) // every secret above is called like its layer
		}
		if !strings.Contains("\n"+strings.Join(got, "\n")+"\n", "\n"+v.Key+"="+value+"\n") {
			t.Errorf("the container has %q, want %s=%s", got, v.Key, value)
		}
	}
	equal(t, "explained", len(settings["account"].Explain()), 4)
}

// A restart starts what the sandbox has now, not what the last deployment had.
func TestRestartGetsTheNewestEnvironment(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	p.environment("dev", map[string]string{"LEVEL": "1"}, nil, nil)
	p.environment("qa", map[string]string{"LEVEL": "9"}, nil, nil)
	p.sql(`UPDATE sandboxes SET environment = 'dev'`)
	p.run()
	p.environment("dev", map[string]string{"LEVEL": "2"}, nil, nil)
	for _, c := range []struct{ environment, level string }{{"dev", "2"}, {"qa", "9"}, {"", ""}} {
		p.sql(`UPDATE sandboxes SET environment = '` + c.environment + `'`)
		ref, err := p.NewRestart(t.Context(), p.operation(sdp.OpRestart, nil))
		p.must(err)
		job, err := p.LoadJob(t.Context(), ref.ID)
		p.must(err)
		equal(t, "level of "+c.environment, job.Env["LEVEL"], c.level)
		equal(t, "recorded environment", p.deployment(ref.ID).Environment, c.environment)
		p.done(p.SettleDeployment(t.Context(), wire.Progress{Deployment: ref.ID, State: sdp.DeployCancelled}))
	}
}

func TestServiceIsNotStartedWithoutItsEnvironment(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	id := p.queue(postgres.NewDeployment{})
	p.sql(`UPDATE sandboxes SET environment = 'gone'`)
	_, err := p.LoadJob(t.Context(), id)
	wantFailure(t, err, sdp.Conflict, "environment-missing")
	p.environment("gone", map[string]string{"A": "1"}, nil, nil)
	p.sql(`UPDATE sandboxes SET environment_version = 7`)
	_, err = p.LoadJob(t.Context(), id)
	wantFailure(t, err, sdp.Conflict, "environment-missing")
}

func TestLoadJobSealsSecretsToTheNode(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	sealed, err := p.Keys.Seal(sdp.SecretPurpose, []byte("s3cret"), sdp.SecretContext("box", "account", "TOKEN"))
	p.must(err)
	id := p.queue(postgres.NewDeployment{Secrets: map[string][]byte{"TOKEN": sealed}})
	job, err := p.LoadJob(t.Context(), id)
	p.must(err)
	if raw, err := json.Marshal(job); err != nil || strings.Contains(string(raw), "s3cret") {
		t.Fatalf("the job shows the secret: %s (%v)", raw, err)
	}
	plain, err := p.node.Open(job.Secrets, "micro-1", id, time.Now())
	p.must(err)
	equal(t, "what the node opens", string(plain), `{"vars":{"TOKEN":"s3cret"}}`)
	if _, err := p.node.Open(job.Secrets, "micro-1", "d-other", time.Now()); err == nil {
		t.Error("the box opens for another deployment")
	}
	if _, err := p.node.Open(job.Secrets, "micro-1", id, time.Now().Add(wire.BoxLifetime+time.Minute)); err == nil {
		t.Error("the box never expires")
	}
}

func TestSecretOfAnotherServiceCannotBeUsed(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	sealed, err := p.Keys.Seal(sdp.SecretPurpose, []byte("s3cret"), sdp.SecretContext("box", "payment", "TOKEN"))
	p.must(err)
	_, err = p.LoadJob(t.Context(), p.queue(postgres.NewDeployment{Secrets: map[string][]byte{"TOKEN": sealed}}))
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v, want a refusal without the secret", err)
	}
}
