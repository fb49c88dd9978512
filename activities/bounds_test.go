package activities

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/definition"
	"sdp/internal/sdp/settings"
	"sdp/internal/secret"
	"sdp/internal/secret/payload"
	"sdp/internal/wire"
)

// worst is text that JSON makes six times as long.
const worst = "\x01"

// fill adds entries to a map for as long as check takes them: of the size first, then smaller and smaller ones.
func fill[V any](entries map[string]V, name string, size int, make func(key string, size int) V, check func() error) {
	for ; size > 0; size /= 2 {
		for {
			key := fmt.Sprintf("%s_%d", name, len(entries))
			if entries[key] = make(key, size); check() != nil {
				delete(entries, key)
				break
			}
		}
	}
}

// bulk makes the largest settings there can be.
type bulk struct{ p *platform }

func plain(_ string, size int) string { return strings.Repeat(worst, size) }

func (b bulk) secret(context func(key string) string) func(string, int) []byte {
	return func(key string, size int) []byte { return b.p.seal(strings.Repeat(worst, size), context(key)) }
}

// ownValues are the most variables or secrets a sandbox or a service can have.
func (b bulk) ownValues(service, kind string) settings.OwnValues {
	v := settings.OwnValues{Variables: map[string]string{}, Secrets: map[string][]byte{}}
	check := func() error { return settings.CheckOwnSize("it", settings.OwnValues{}, v) }
	if kind == "variables" {
		fill(v.Variables, "OWN"+service, 4<<10, plain, check)
	} else {
		context := func(key string) string { return sdp.SecretContext("box", service, key) }
		fill(v.Secrets, "OWN"+service, 30<<10, b.secret(context), check)
	}
	return v
}

// environment is the most an environment can hold: of files, of secrets or of variables.
func (b bulk) environment(kind string) settings.EnvironmentEntries {
	e := settings.EnvironmentEntries{Variables: map[string]string{}, Secrets: map[string][]byte{}}
	files := map[string]settings.SealedFile{}
	check := func() error {
		e.Files = slices.Collect(maps.Values(files))
		return settings.CheckEnvironmentSize(settings.EnvironmentEntries{}, e)
	}
	context := func(key string) string { return settings.EnvironmentContext(1, key) }
	switch kind {
	case "files":
		fill(files, "/etc/"+strings.Repeat(`"`, 80), 100<<10, func(path string, size int) settings.SealedFile {
			content := make([]byte, size)
			rand.Read(content)
			return settings.SealedFile{Path: path, Size: size, Content: b.p.seal(string(content), context(path))}
		}, check)
	case "empty files":
		for i := range settings.MaxEnvironmentBytes / 41 { // what each counts
			path := fmt.Sprintf("/f%05d", i)
			files[path] = settings.SealedFile{Path: path, Content: b.p.seal("", context(path))}
		}
	case "secrets":
		fill(e.Secrets, "ENV", 30<<10, b.secret(context), check)
	default:
		fill(e.Variables, "ENV", 4<<10, plain, check)
	}
	b.p.must(check())
	return e
}

func (b bulk) repositoryDefaults() map[string]string {
	vars := map[string]string{}
	fill(vars, "DEFAULT", 4<<10, plain, func() error { return settings.CheckRepositorySize(vars) })
	return vars
}

// table is that of a sandbox with as many services as it can have, each with the longest of everything.
func (b bulk) table() wire.RoutingTable {
	table := wire.RoutingTable{Sandbox: strings.Repeat("s", sdp.MaxSandboxName), State: sdp.Active, GatewayNode: "gateway-1"}
	for i := range definition.MaxServices {
		name := fmt.Sprintf("%024d", i)
		table.Services = append(table.Services, wire.ServiceRoute{Service: name, Port: 65535, Source: sdp.SourceURL,
			URL: "http://" + strings.Repeat("x", settings.MaxTargetURL-9), Reason: strings.Repeat("r", 200),
			Target: &wire.Target{Node: name, NodeAddress: strings.Repeat("h", 253) + ":65535", Address: "255.255.255.255:65535",
				SHA: commit, Deployment: "d-0123456789"}})
	}
	return table
}

// TestTheLargestSettingsFit: whatever is accepted for a repository, an environment, a sandbox and a service can be given to
// the service's node, all of it together, as it is on the way now: JSON in a sealed box, in JSON, encrypted.
func TestTheLargestSettingsFit(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	b := bulk{p}
	keys, err := secret.LoadCodecKeys(filepath.Join(t.TempDir(), "codec.keys"))
	p.must(err)
	nodeKey, public := p.node.Public()
	for _, kind := range []string{"files", "empty files", "secrets", "variables"} {
		environment := b.environment(kind)
		layer := settings.SealedLayer{Name: settings.LayerEnvironment, Of: "dev@1", Variables: environment.Variables,
			Secrets: environment.Secrets, Context: settings.EnvironmentContext(1, "")}
		j := postgres.Job{Deployment: sdp.Deployment{ID: "d-0123456789", Sandbox: "box", Service: "account"},
			Node: sdp.Node{Name: "micro-1", KeyID: nodeKey, PublicKey: public}}
		j.Settings = settings.Settings{Environment: "dev", EnvironmentVersion: 1, Files: environment.Files,
			FileContext: settings.EnvironmentContext(1, ""), Layers: settings.LayersOf("account", b.repositoryDefaults(), &layer,
				"box", b.ownValues("", kind), "account", b.ownValues("account", kind))}
		job := wire.Job{Deployment: j.Deployment.ID, Env: j.Settings.Variables(), Table: b.table()}
		job.Credentials, err = secret.SealTo(j.Node.Name, j.Node.KeyID, j.Node.PublicKey, j.Deployment.ID, time.Now().Add(time.Hour),
			make([]byte, 8<<10))
		p.must(err)
		job.Secrets, err = p.sealSettings(j)
		p.must(err)
		payloads, err := payload.DataConverter(keys).ToPayloads(job)
		p.must(err)
		p.must(checkSize(job, j.Settings))
		t.Logf("the most %s: %d bytes of settings, %d on the way, %d are possible", kind, j.Settings.Sizes().Total(),
			proto.Size(payloads), payload.MaxSize)
		given := p.confidential(job)
		if n := len(given.Vars) + len(given.Files); n+len(job.Env) != len(j.Settings.Sizes()) {
			t.Errorf("%d things arrive, want %d", n+len(job.Env), len(j.Settings.Sizes()))
		}
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// What is stored may be larger than what is accepted now.
func TestLoadJobRefusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	content := strings.Repeat("hush-4711", 14_000)
	p.environment("dev", nil, nil, map[string]string{"/etc/app/a": content, "/etc/app/b": content, "/etc/app/c": content,
		"/etc/app/d": content + "hush-4711"})
	p.sql(`UPDATE sandboxes SET environment = 'dev'`)
	id := p.queue(postgres.NewDeployment{})
	secrets := map[string][]byte{}
	for i := range 36 {
		key := fmt.Sprintf("SECRET_%02d", i)
		secrets[key] = p.seal(strings.Repeat("hush-4711", 3000), sdp.SecretContext("box", "account", key))
	}
	_, err := p.LoadJob(t.Context(), id)
	p.must(err) // these files alone would do
	p.sql(fmt.Sprintf(`UPDATE sandbox_services SET secrets = '%s' WHERE name = 'account'`, jsonOf(t, secrets)))
	_, err = p.LoadJob(t.Context(), id)
	f := wantFailure(t, err, sdp.Invalid, "settings-too-large")
	equal(t, "retried", retried(err), false)
	for _, text := range []string{"service account of sandbox box",
		"file /etc/app/d of environment dev (126053 bytes), file /etc/app/a",
		"secret SECRET_00 of service account (270", "more"} {
		if !strings.Contains(f.Detail, text) {
			t.Errorf("%q is not in %s", text, f.Detail)
		}
	}
	equal(t, "holds a value", strings.Contains(err.Error(), "hush"), false)
}

// A secret that is no text is not more than base64 on the way.
func TestSecretsArriveAsTheyAre(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"TEXT": "s3cret", "LINES": "-----BEGIN-----\nabc\n", "ODD": strings.Repeat(worst, 900),
		"QUOTES": `""""""""`}
	plain, err := wire.Confidential{Vars: vars}.Marshal()
	if err != nil || len(plain) > 1500 {
		t.Fatalf("%d bytes, %v", len(plain), err)
	}
	c, err := wire.ParseConfidential(plain)
	if err != nil || len(c.Vars) != len(vars) || c.Bytes != nil {
		t.Fatalf("got %+v, %v", c, err)
	}
	for key, value := range vars {
		equal(t, key, c.Vars[key], value)
	}
}

func TestManyBranchesAreListedWithoutSubjects(t *testing.T) {
	t.Parallel()
	keys, err := secret.LoadCodecKeys(filepath.Join(t.TempDir(), "codec.keys"))
	if err != nil {
		t.Fatal(err)
	}
	var branches []sdp.Branch
	for i := range 9100 {
		branches = append(branches, sdp.Branch{Name: fmt.Sprintf("feature/%05d-of-a-usual-length", i), SHA: commit,
			Subject: strings.Repeat("s", 150), Author: "Ada", CommittedAt: time.Now()})
	}
	few := affordable(branches[:900])
	equal(t, "a subject of few", len(few[0].Subject), 150)
	all := affordable(branches)
	equal(t, "branches", len(all), len(branches))
	equal(t, "last", all[9099], sdp.Branch{Name: branches[9099].Name, SHA: commit})
	if _, err := payload.DataConverter(keys).ToPayloads(all); err != nil {
		t.Error(err)
	}
}
