package e2e

import (
	"encoding/base64"
	"encoding/json"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

const (
	vaultEnv  = "vault-env"
	vaultFile = "/etc/vault/secret.txt"
	vaultCopy = "vault-copy"
	vaultThen = "vault-then"
)

// settings fills environments and sandboxes with secrets and files, and has everything done with them that can be.
func (v *vault) settings(t *testing.T) {
	v.environments(t)
	v.refusedSettings(t)
	v.refusedFiles(t)
	v.ownSecrets(t)
	v.applies(t)
	v.snapshots(t)
	v.cloning(t)
	v.shownSettings(t)
	v.rotates(t)
}

// given writes a value into a file and returns its path, for the roads that read files.
func (v *vault) given(t *testing.T, value string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "given", value)
	return filepath.Join(dir, "given")
}

// document is the content of a file: lines with a marker each, which every kind of escaping changes around it.
func (v *vault) document(what string) string {
	return "{\"first\": \"" + v.mark("first line of "+what) + "\",\n" + v.awkward("second line of "+what) + "\n" +
		v.mark("last line of "+what) + "}\n"
}

func (v *vault) environments(t *testing.T) {
	v.sdp(t, "env", "create", vaultEnv, "PLAIN=shown", "--secret", "ENVSECRET=@"+v.given(t, v.awkward("secret of an environment")),
		"--file", vaultFile+"="+v.given(t, v.document("a file")))
	imported := "# a comment\nexport FROMFILE='" + v.mark("imported secret") + "'\nQUOTED=\"" + v.mark("quoted imported secret") + "\\n\"\n"
	v.sdp(t, "env", "import", vaultEnv, v.given(t, imported), "--secrets")
	v.run(t, "env", v.awkward("changed secret of an environment"), "env", "set", vaultEnv, "--secret", "ENVSECRET=-")
	v.sdp(t, "env", "set", vaultEnv, "--file", vaultFile+"="+v.given(t, v.document("a changed file")))
}

// refusedFiles are files with values in them that the client refuses to read: it names the line or the key, never what
// stands there.
func (v *vault) refusedFiles(t *testing.T) {
	bad := v.mark("refused setting")
	for _, text := range []string{
		"A=1\nno assignment " + bad + "\n", "A=\"" + bad + "\n", "A='" + bad + "' more\n", "=" + bad + "\n", "1A=" + bad + "\n",
		"A B=" + bad + "\n", "A=" + bad + "\x00\n", bad + "\n",
	} {
		if out, err := v.try("env import", "of what is refused", "", "env", "import", vaultEnv, v.given(t, text), "--secrets"); err == nil {
			t.Errorf("%q was imported: %s", text, out)
		}
	}
	for _, text := range []string{
		"secrets: {A: " + bad + "}\n", "services:\n  vault: {branch: main, secrets: {A: " + bad + "}}\n", "variables: [" + bad + "]\n",
		"variables: {A: {B: " + bad + "}}\n", "variables: {A: \"" + bad + "\n", "variables: {A: 1, A: " + bad + "}\n",
	} {
		for _, verb := range []string{"plan", "apply"} {
			out, err := v.try(verb, "of what is refused", "", verb, "-f", v.given(t, "sandbox: "+vaultBox+"\n"+text))
			if err == nil {
				t.Errorf("%s of %q succeeded: %s", verb, text, out)
			}
		}
	}
	large := v.given(t, strings.Repeat(bad, settings.MaxFile/len(bad)+1))
	for _, args := range [][]string{
		{"env", "set", vaultEnv, "--secret", "A=@" + large}, {"env", "set", vaultEnv, "--file", "/etc/a=" + large},
		{"env", "set", vaultEnv, "--file", "/etc/../a=" + v.given(t, bad)}, {"sandbox", "set", vaultBox, "--secret", "A=@" + large},
		{"env", "set", vaultEnv, "--secret", "A=@" + v.given(t, bad+"\x00")}, {"env", "set", vaultEnv, "--secret", "A B=@" + v.given(t, bad)},
	} {
		if out, err := v.try(args[0], "of what is refused", "", args...); err == nil {
			t.Errorf("sdp %q succeeded: %s", args, out)
		}
	}
}

// refusedSettings are bodies the server refuses, and must not quote for that.
func (v *vault) refusedSettings(t *testing.T) {
	bad, who := v.mark("refused setting"), v.bearer(t)
	file := base64.StdEncoding.EncodeToString([]byte(bad))
	envs, env, box := "/api/v1/environments", "/api/v1/environments/"+vaultEnv, "/api/v1/sandboxes/"+vaultBox
	for _, c := range []struct{ method, path, body string }{
		{"POST", envs, `{"name":"other","secrets":{"A":["` + bad + `"]}}`},
		{"POST", envs, `{"name":"other","secrets":"` + bad + `"}`},
		{"POST", envs, `{"name":"` + vaultEnv + `","secrets":{"A":"` + bad + `"}}`},
		{"POST", envs, `{"name":"Bad Name","secrets":{"A":"` + bad + `"}}`},
		{"PUT", env, `{"secrets":{"A":"` + strings.Repeat(bad, settings.MaxValue/len(bad)+1) + `"}}`},
		{"PUT", env, `{"secrets":{"A B":"` + bad + `"}}`},
		{"PUT", env, `{"secrets":{"A":"` + bad + `\u0000"}}`},
		{"PUT", env, `{"secrets":{"A":"` + bad + `"},"variables":{"A":"1"}}`},
		{"PUT", env, `{"variables":{"ENVSECRET":"` + bad + `"}}`},
		{"PUT", env, `{"secrets":{"A":"` + bad + `"},"version":1}`},
		{"PUT", env, `{"secrets":{"A":"` + bad + `"},"unset":["NOBODY"]}`},
		{"PUT", env, `{"secrets":{"A":"` + bad},
		{"PUT", env, `{"files":[{"path":"/etc/a","content":"` + bad + `!"}]}`},
		{"PUT", env, `{"files":[{"path":"/etc/a","content":{"is":"` + bad + `"}}]}`},
		{"PUT", env, `{"files":{"/etc/a":"` + file + `"}}`},
		{"PUT", env, `{"files":[{"path":"etc/../../a","content":"` + file + `"}]}`},
		{"PUT", env, `{"files":[{"path":"/proc/a","content":"` + file + `"}]}`},
		{"PUT", env, `{"files":[{"path":"/etc/a","content":"` + file + `"},{"path":"/etc/a/b","content":"` + file + `"}]}`},
		{"PUT", env, `{"files":[{"path":"/etc/a","content":"` + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(bad, settings.MaxFile/len(bad)+1))) + `"}]}`},
		{"PUT", envs + "/nobody", `{"secrets":{"A":"` + bad + `"}}`},
		{"PATCH", box, `{"secrets":{"A":["` + bad + `"]}}`},
		{"PATCH", box, `{"secrets":{"A":"` + bad + `\u0000"}}`},
		{"PATCH", box, `{"secrets":{"A":"` + bad + `"},"variables":{"A":"1"}}`},
		{"PATCH", box, `{"secrets":{"A":"` + strings.Repeat(bad, settings.MaxValue/len(bad)+1) + `"}}`},
		{"PATCH", box, `{"secrets":{"A":"` + bad + `"},"environment":"nobody"}`},
		{"PATCH", box, `{"secrets":{"A":"` + bad + `"},"unset":["A"]}`},
		{"PATCH", "/api/v1/sandboxes/nobody", `{"secrets":{"A":"` + bad + `"}}`},
		{"POST", "/api/v1/plans", `{"name":"` + vaultBox + `","secrets":{"A":"` + bad + `"}}`},
		{"PUT", box, `{"spec":{"name":"` + vaultBox + `","secrets":{"A":"` + bad + `"}}}`},
		{"POST", box + "/clone", `{"name":"other","secrets":{"A":"` + bad + `"}}`},
		{"POST", box + "/snapshots", `{"name":"other","secrets":{"A":"` + bad + `"}}`},
		{"POST", "/api/v1/templates", `{"name":"other","fromSandbox":"` + vaultBox + `","secrets":{"A":"` + bad + `"}}`},
	} {
		if status := v.call(t, c.method, c.path, c.body, who); status < 400 {
			t.Errorf("%s %s with %.300s: %d", c.method, c.path, c.body, status)
		}
	}
}

// ownSecrets are those of a sandbox itself, and what the owner stores to have branches watched.
func (v *vault) ownSecrets(t *testing.T) {
	v.sdp(t, "sandbox", "set", vaultBox, "--environment", vaultEnv, "--secret", "BOXSECRET=@"+v.given(t, v.awkward("secret of a sandbox")))
	if status := v.call(t, "PUT", "/api/v1/tracking/credential", "", v.bearer(t)); status != 200 {
		t.Errorf("storing the credential: %d", status)
	}
	v.call(t, "GET", "/api/v1/tracking/credential", "", v.bearer(t))
	v.call(t, "GET", "/api/v1/tracking", "", v.bearer(t))
}

// applies runs the services with everything they are given now, by both roads there are.
func (v *vault) applies(t *testing.T) {
	file := v.given(t, "sandbox: "+vaultBox+"\nenvironment: "+vaultEnv+"\nvariables: {SHOWN: everywhere}\nservices:\n  vault: {branch: main}\n  front: {branch: main}\n")
	v.everyForm(t, "plan", "-f", file)
	v.sdp(t, "apply", "-f", file, "--atomic", "--wait")
	v.wantsMasked(t, "vault", "ENVSECRET is ***", "BOXSECRET is ***", "FROMFILE is ***")
	v.wantsMasked(t, "front", "ENVSECRET is ***", "BOXSECRET is ***", "FROMFILE is ***")
	v.run(t, "env", v.awkward("newest secret of an environment"), "env", "set", vaultEnv, "--secret", "ENVSECRET=-")
	v.sdp(t, "plan", "-f", file, "-o", "json")
	v.sdp(t, "env", "usage", vaultEnv)
	v.sdp(t, "env", "redeploy", vaultEnv, "--wait")
}

// wantsMasked waits until a service's log has lines that say it was given a secret and printed it.
func (v *vault) wantsMasked(t *testing.T, service string, lines ...string) {
	t.Helper()
	eventually(t, 20*time.Second, func() error {
		out := v.sdp(t, "logs", vaultBox+"/"+service)
		for _, line := range lines {
			if !strings.Contains(out, line) {
				return errorf("the log of %s lacks %q:\n%s", service, line, out)
			}
		}
		return nil
	})
}

// snapshots freezes the sandbox, changes secrets, compares and goes back, there and in a new sandbox.
func (v *vault) snapshots(t *testing.T) {
	then := vaultBox + "/then"
	v.sdp(t, "snapshot", "create", vaultBox, "then")
	v.sdp(t, "sandbox", "set", vaultBox, "--secret", "BOXSECRET=@"+v.given(t, v.awkward("changed secret of a sandbox")))
	v.sdp(t, "deploy", vaultBox, "vault@main", "--wait", "--secret", "TOKEN=@"+v.given(t, v.awkward("changed one-line secret")))
	var diff rest.SnapshotDiff
	if err := json.Unmarshal([]byte(v.sdp(t, "snapshot", "diff", then, "-o", "json")), &diff); err != nil {
		t.Fatal(err)
	}
	changed := 0
	for _, d := range diff.Differences {
		if d.What == "secret" && d.Kind == string(sdp.Changed) {
			changed++
		}
	}
	if changed != 2 {
		t.Errorf("two secrets have changed since the snapshot; the difference is %+v", diff.Differences)
	}
	v.sdp(t, "snapshot", "diff", then)
	v.everyForm(t, "snapshot", "show", then)
	v.everyForm(t, "snapshot", "list")
	v.call(t, "POST", "/api/v1/snapshots/"+diff.Snapshot+"/plan", `{}`, v.bearer(t))
	v.sdp(t, "snapshot", "restore", then, "--atomic", "--wait")
	v.sdp(t, "snapshot", "restore", then, "--to", vaultThen, "--wait", "-o", "json")
	v.sdp(t, "sandbox", "delete", vaultThen, "--wait")
}

// cloning clones the sandbox and makes a template of it, and a sandbox of that.
func (v *vault) cloning(t *testing.T) {
	v.everyForm(t, "sandbox", "clone", vaultBox, vaultCopy, "--dry-run")
	v.sdp(t, "sandbox", "clone", vaultBox, vaultCopy, "--wait")
	v.everyForm(t, "env", "explain", vaultCopy, "vault")
	if out, err := v.try("sandbox clone", "to a name that is taken", "", "sandbox", "clone", vaultBox, vaultCopy); err == nil {
		t.Errorf("cloned to a name that is taken: %s", out)
	}
	v.sdp(t, "sandbox", "delete", vaultCopy, "--wait")
	v.sdp(t, "sandbox", "export", vaultBox)
	v.sdp(t, "template", "create", "vault-like", "--from", vaultBox)
	v.everyForm(t, "template", "show", "vault-like")
	v.sdp(t, "template", "use", "vault-like", vaultThen, "--render")
	v.sdp(t, "template", "use", "vault-like", vaultThen, "--wait")
	v.sdp(t, "sandbox", "delete", vaultThen, "--wait")
}

// everyForm runs a verb that shows something, for people and for programs.
func (v *vault) everyForm(t *testing.T, args ...string) {
	t.Helper()
	v.sdp(t, args...)
	v.sdp(t, append(args, "-o", "json")...)
}

// rotates encrypts everything at rest anew; services are still given what they were.
func (v *vault) rotates(t *testing.T) {
	master, config := filepath.Join(v.data, "keys", "master.key"), filepath.Join(v.data, "config", "server.yaml")
	v.sdp(t, "keys", "rotate", master)
	for _, pid := range v.pids("sdp server") {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, time.Minute, v.ready)
	out := v.sdp(t, "keys", "reseal", "--config", config, "-o", "json")
	var report []struct{ Values, Anew int }
	if err := json.Unmarshal([]byte(out), &report); err != nil || len(report) == 0 {
		t.Fatalf("sdp keys reseal: %v: %s", err, out)
	}
	for _, r := range report {
		if r.Anew != r.Values {
			t.Errorf("not everything was encrypted anew: %s", out)
		}
	}
	v.sdp(t, "keys", "list", master)
	v.sdp(t, "restart", vaultBox, "vault", "--wait")
	v.wantsMasked(t, "vault", "ENVSECRET is ***", "BOXSECRET is ***", "FROMFILE is ***", "TOKEN is ***", "line 1 is ***")
}

// shownSettings asks for all that is said about environments and changes.
func (v *vault) shownSettings(t *testing.T) {
	for _, args := range [][]string{
		{"env", "list"}, {"env", "show", vaultEnv}, {"env", "show", vaultEnv, "--version", "1"}, {"env", "versions", vaultEnv},
		{"env", "diff", vaultEnv, "1"}, {"env", "usage", vaultEnv}, {"env", "explain", vaultBox, "vault"}, {"env", "explain", vaultBox, "front"},
		{"sandbox", "show", vaultBox}, {"audit"},
	} {
		v.everyForm(t, args...)
	}
	path := "/api/v1/sandboxes/" + vaultBox + "/operations"
	v.call(t, "GET", path, "", v.bearer(t))
	for _, op := range ask[rest.Page[rest.Operation]](t, v.installation, 200, "GET", path, "").Items {
		v.call(t, "GET", "/api/v1/operations/"+op.ID, "", v.bearer(t))
	}
}
