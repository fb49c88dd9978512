package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sdp/internal/sdp"
)

// secretFlags give something several secrets of 32,000 bytes.
func secretFlags(t *testing.T, name string, count int) []string {
	t.Helper()
	value := given(t, strings.Repeat("hush-4711 and so on ", 1600))
	var flags []string
	for i := range count {
		flags = append(flags, "--secret", fmt.Sprintf("%s_%d=@%s", name, i, value))
	}
	return flags
}

func fileFlags(t *testing.T) []string {
	t.Helper()
	content := given(t, strings.Repeat("0123456789", 13_050))
	var flags []string
	for i := range 4 { // 522,000 bytes in all
		flags = append(flags, "--file", fmt.Sprintf("/etc/probe/large-%d=%s", i, content))
	}
	return flags
}

func (s *site) largestEnvironment(t *testing.T) string {
	t.Helper()
	env := "env-" + newName()
	s.ok(t, append([]string{"env", "create", env}, fileFlags(t)...)...)
	t.Cleanup(func() { s.ok(t, "env", "delete", env) })
	return env
}

// What together would be too large to reach a node is refused where it is set, with the sum, the bound and what is large.
func TestTooLargeSettingsAreRefused(t *testing.T) {
	s := lab(t)
	env := s.largestEnvironment(t)
	box := s.newSandbox(t, "environment: "+env+"\nservices:\n  probe: {branch: main}\n")
	for name, args := range map[string][]string{
		"of the sandbox": append([]string{"sandbox", "set", box.Name}, secretFlags(t, "BOX", 16)...),
		"of the service": append([]string{"deploy", box.Name, "probe@main"}, secretFlags(t, "OWN", 16)...),
		"bit by bit":     append([]string{"env", "set", env, "A=1"}, secretFlags(t, "ENV", 1)...),
	} {
		out := s.fails(t, 1, []string{"bytes", "are possible", "the largest: ", "->"}, args...)
		unwanted(t, out, "hush-4711")
		t.Logf("%s, what the user sees:\n%s", name, out)
	}
	if now := s.sandbox(t, box.Name); len(now.SecretKeys) > 0 || len(serviceOf(t, now, "probe").SecretKeys) > 0 {
		t.Errorf("something was set: %+v", now)
	}
	s.ok(t, append([]string{"sandbox", "set", box.Name}, secretFlags(t, "BOX", 8)...)...)
	s.ok(t, append([]string{"deploy", box.Name, "probe@main", "--wait"}, secretFlags(t, "OWN", 8)...)...)
	p := probe(t, box.URL, "/etc/probe/large-3")
	value := strings.Repeat("hush-4711 and so on ", 1600)
	p.wantEnv(t, map[string]string{"BOX_0": value, "BOX_7": value, "OWN_0": value, "OWN_7": value})
	if p.File.Hash != digest(strings.Repeat("0123456789", 13_050)) {
		t.Error("the file is another one")
	}
}

// What the database holds from before there were bounds ends a deployment at once, with the reason.
func TestOversizedSettingsFailTheDeployment(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "services:\n  probe: {branch: main}\n")
	p, err := newPlaces(s, nil, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := p.connect(t.Context(), "sdp")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), `UPDATE sandboxes SET variables = (SELECT jsonb_object_agg('PLANTED_' || i, repeat('x', 32000))
		FROM generate_series(1, 80) i) WHERE name = $1`, box.Name)
	if err != nil {
		t.Fatal(err)
	}
	d := s.waitState(t, box.Name, s.deployInBackground(t, box.Name, "probe@main").ID, time.Minute, sdp.DeployFailed)
	if f := d.Failure; f == nil || f.Code != "settings-too-large" || f.Remedy == "" ||
		!strings.Contains(f.Detail, "variable PLANTED_1") || !strings.Contains(f.Detail, "service probe of sandbox "+box.Name) {
		t.Errorf("it failed with %+v", d.Failure)
	}
	t.Logf("what the user sees:\n%s", s.ok(t, "history", box.Name))
	s.ok(t, "sandbox", "set", box.Name, "--unset", "PLANTED_1") // it can be made smaller from there, in steps
	if probe(t, box.URL, "/nothing").SHA == "" {
		t.Error("what served before does not serve any more")
	}
}
