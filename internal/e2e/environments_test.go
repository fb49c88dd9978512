package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"sdp/api/rest"
	"sdp/internal/sdp/settings"
)

const settingsFile = "/etc/probe/settings.json"

// newEnvironment creates an environment with a variable, a secret and a file, and returns its name. It goes at the end of
// the test, after the sandboxes made later.
func (s *site) newEnvironment(t *testing.T, secret string) string {
	t.Helper()
	name, dir := "env-"+newName(), t.TempDir()
	write(t, dir, "token", secret)
	write(t, dir, "settings.json", `{"of": "version 1"}`)
	s.ok(t, "env", "create", name, "COLOUR=red", "SHARED=environment", "--secret", "TOKEN=@"+filepath.Join(dir, "token"),
		"--file", settingsFile+"="+filepath.Join(dir, "settings.json"))
	t.Cleanup(func() { s.ok(t, "env", "delete", name) })
	return name
}

// An environment reaches what is started with it, and what changes in it reaches what is started again.
func TestEnvironmentReachesTheService(t *testing.T) {
	s := lab(t)
	const token, rotated = "hush-token-4711", "hush-token-0815"
	env := s.newEnvironment(t, token)
	box := s.newSandbox(t, "environment: "+env+"\nvariables: {SHARED: sandbox}\n"+
		"services:\n  probe: {branch: main, variables: {OWN: service}}\n  plain: {branch: main}\n")
	p := probe(t, box.URL, settingsFile)
	p.wantEnv(t, map[string]string{"ORIGIN": "repository", "COLOUR": "red", "TOKEN": token, "SHARED": "sandbox", "OWN": "service"})
	if p.File.Hash != digest(`{"of": "version 1"}`) || p.File.Writable || p.File.Mode != "-r--r--r--" {
		t.Errorf("the service finds the file as %+v", p.File)
	}
	s.explained(t, box.Name, env, token)

	dir := t.TempDir()
	write(t, dir, "token", rotated)
	write(t, dir, "settings.json", `{"of": "version 2"}`)
	s.ok(t, "env", "set", env, "COLOUR=blue", "--secret", "TOKEN=@"+filepath.Join(dir, "token"),
		"--file", settingsFile+"="+filepath.Join(dir, "settings.json"), "--note", "the new palette")
	s.versionsAndDiff(t, env, token, rotated)

	used := askJSON[rest.EnvironmentUsage](t, s.installation, "env", "usage", env)
	if len(used.Services) != 2 || !used.Services[0].Behind || !used.Services[1].Behind || used.Services[0].Runs != env+"@1" {
		t.Errorf("who is behind: %+v", used)
	}
	if v := serviceOf(t, s.sandbox(t, box.Name), "probe"); !v.Behind {
		t.Errorf("`sdp sandbox show` does not say that probe is behind: %+v", v)
	}
	probe(t, box.URL, settingsFile).wantEnv(t, map[string]string{"COLOUR": "red", "TOKEN": token})
	s.ok(t, "env", "redeploy", env)
	p = probe(t, box.URL, settingsFile)
	p.wantEnv(t, map[string]string{"COLOUR": "blue", "TOKEN": rotated, "SHARED": "sandbox"})
	if p.File.Hash != digest(`{"of": "version 2"}`) {
		t.Error("the redeployed service has the old file")
	}
	if out := s.ok(t, "env", "redeploy", env); !strings.Contains(out, "Nothing is behind") {
		t.Errorf("a second redeploy says:\n%s", out)
	}
	s.fails(t, 1, []string{box.Name, env, "->"}, "env", "delete", env)
	s.ok(t, "env", "unset", env, "COLOUR", "TOKEN", "--file", settingsFile)
	s.ok(t, "env", "redeploy", env, "--sandbox", box.Name)
	p = probe(t, box.URL, settingsFile)
	p.wantEnv(t, map[string]string{"COLOUR": "", "TOKEN": "", "SHARED": "sandbox", "ORIGIN": "repository"})
	if p.File.Hash != "" {
		t.Error("the removed file is still there")
	}
	s.audited(t, env)
}

// explained wants each value's origin, and no secret.
func (s *site) explained(t *testing.T, box, env, token string) {
	t.Helper()
	text := s.ok(t, "env", "explain", box, "probe")
	e := askJSON[rest.EffectiveEnvironment](t, s.installation, "env", "explain", box, "probe")
	unwanted(t, text, token)
	from := map[string]string{}
	for _, v := range e.Values {
		from[v.Key] = strings.TrimSpace(v.Layer + " " + v.Of)
		if v.Key == "TOKEN" && (!v.Secret || v.Value != "") {
			t.Errorf("TOKEN is explained as %+v", v)
		}
		if v.Key == "SHARED" && (len(v.Overrides) != 2 || v.Overrides[0].Layer != string(settings.LayerEnvironment) ||
			v.Overrides[1].Layer != string(settings.LayerRepository)) {
			t.Errorf("SHARED hides %+v, want the environment's and the repository's", v.Overrides)
		}
	}
	for key, want := range map[string]string{"ORIGIN": "repository probe", "COLOUR": "environment " + env + "@1",
		"TOKEN": "environment " + env + "@1", "SHARED": "sandbox " + box, "OWN": "service probe", "SDP_SANDBOX": "sdp"} {
		if from[key] != want {
			t.Errorf("%s comes from %q, want %q", key, from[key], want)
		}
		if !strings.Contains(text, key) {
			t.Errorf("the text lacks %s:\n%s", key, text)
		}
	}
	if e.Behind || len(e.Files) != 1 || !strings.Contains(text, settingsFile) || !strings.Contains(text, "****") {
		t.Errorf("explained as %+v\n%s", e, text)
	}
}

func (s *site) versionsAndDiff(t *testing.T, env string, secrets ...string) {
	t.Helper()
	versions := askJSON[[]rest.EnvironmentVersion](t, s.installation, "env", "versions", env)
	if len(versions) != 2 || versions[0].Version != 2 || versions[0].Note != "the new palette" || versions[0].Author != "alice" {
		t.Errorf("versions: %+v", versions)
	}
	d := askJSON[rest.EnvironmentDiff](t, s.installation, "env", "diff", env, "1", "2")
	kinds := map[string]string{}
	for _, x := range d.Differences {
		kinds[x.What+" "+x.Key] = x.Kind + " " + x.Before + " " + x.After
	}
	for what, want := range map[string]string{"variable COLOUR": "changed red blue", "secret TOKEN": "changed", "file " + settingsFile: "changed"} {
		if strings.TrimSpace(kinds[what]) != want {
			t.Errorf("%s differs as %q, want %q", what, kinds[what], want)
		}
	}
	if len(kinds) != 3 {
		t.Errorf("differences: %+v", d.Differences)
	}
	unwanted(t, s.ok(t, "env", "diff", env)+s.ok(t, "env", "show", env)+s.ok(t, "env", "show", env, "--version", "1"), secrets...)
	s.fails(t, 1, []string{"no version 9", "->"}, "env", "diff", env, "1", "9")
}

func (s *site) audited(t *testing.T, env string) {
	t.Helper()
	seen := map[string]string{}
	for _, e := range askJSON[[]rest.AuditEvent](t, s.installation, "audit", "--limit", "200") {
		if e.Environment == env && e.User == "alice" {
			seen[e.Action+" "+e.Outcome] += e.Detail + "\n"
		}
	}
	for action, detail := range map[string]string{"environment.create succeeded": "COLOUR", "environment.update succeeded": "TOKEN",
		"environment.redeploy accepted": "", "environment.delete refused": "is used by sandbox"} {
		if text, ok := seen[action]; !ok || !strings.Contains(text, detail) {
			t.Errorf("the audit has no %s with %q: %q", action, detail, seen)
		}
	}
}

// A .env file is taken as a whole or not at all; what is wrong is told by its line and never by its value.
func TestEnvironmentFromDotenv(t *testing.T) {
	s := lab(t)
	const hidden = "hush-from-a-file"
	env, dir := "env-"+newName(), t.TempDir()
	write(t, dir, "good.env", "# of the team\nexport COLOUR=red\nPASSWORD='"+hidden+"' # quoted\nEMPTY=\n")
	write(t, dir, "bad.env", "COLOUR=green\n\nPASSWORD=\""+hidden+"\nNEXT=1\n")
	write(t, dir, "worse.env", "COLOUR=green\n"+hidden+"\n")
	good := filepath.Join(dir, "good.env")
	s.fails(t, 1, []string{env, "--create"}, "env", "import", env, good)
	s.ok(t, "env", "import", env, good, "--secret", "PASSWORD", "--create")
	t.Cleanup(func() { s.ok(t, "env", "delete", env) })
	e := askJSON[rest.Environment](t, s.installation, "env", "show", env)
	if e.Variables["COLOUR"] != "red" || strings.Join(e.SecretKeys, " ") != "PASSWORD" || len(e.Variables) != 2 {
		t.Errorf("imported as %+v", e)
	}
	for file, at := range map[string]string{"bad.env": "bad.env:3: ", "worse.env": "worse.env:2: "} {
		out := s.fails(t, 2, []string{at, "->"}, "env", "import", env, filepath.Join(dir, file))
		unwanted(t, out, hidden)
	}
	unwanted(t, s.fails(t, 2, []string{"NOSUCH"}, "env", "import", env, good, "--secret", "NOSUCH"), hidden)
	if now := askJSON[rest.Environment](t, s.installation, "env", "show", env); now.Version != 1 {
		t.Errorf("refused imports made version %d", now.Version)
	}
	write(t, dir, "big", strings.Repeat("x", settings.MaxValue+1))
	for _, c := range []struct {
		code  int
		texts []string
		args  []string
	}{
		{2, []string{"/etc/../etc/passwd"}, []string{"--file", "/etc/../etc/passwd=" + good}},
		{2, []string{"/proc/self/mem"}, []string{"--file", "/proc/self/mem=" + good}},
		{1, []string{"TOO_BIG", "bytes"}, []string{"--secret", "TOO_BIG=@" + filepath.Join(dir, "big")}},
		{1, []string{"PASSWORD is a secret"}, []string{"PASSWORD=open"}},
		{2, []string{"A B"}, []string{"A B=1"}},
	} {
		t.Logf("what the user sees:\n%s", s.fails(t, c.code, append(c.texts, "->"), append([]string{"env", "set", env}, c.args...)...))
	}
	s.fails(t, 1, []string{env, "->"}, "env", "create", env)
	s.fails(t, 1, []string{"no environment", env, "->"}, "env", "show", env+"x")
}
