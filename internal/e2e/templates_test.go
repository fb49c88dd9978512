package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sdp/api/rest"
)

const shopTemplate = `description: one service of a branch
parameters:
  branch: {description: branch of probe, pattern: "main|feature/.+"}
  mood: {default: good, choices: [good, bad]}
sandbox:
  description: ${branch} for testers
  variables: {MOOD: "${mood}", SELF: "${sandbox}", LITERAL: "$${kept}"}
  services:
    probe: {branch: "${branch}"}
`

func templateFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A sandbox made from a template is what the template says with its parameters filled in; values that cannot be are
// refused before anything is made.
func TestTemplates(t *testing.T) {
	s := lab(t)
	shop, name := "shop-"+newName(), newName()
	s.ok(t, "template", "create", shop, "-f", templateFile(t, shopTemplate))
	t.Cleanup(func() { s.ok(t, "template", "delete", shop) })
	for _, c := range []struct {
		texts []string
		set   []string
	}{
		{[]string{"needs a value of branch", "--set branch="}, nil},
		{[]string{`no parameter "brunch"`, "branch"}, []string{"brunch=main"}},
		{[]string{`"release/1"`, "main|feature/.+", "branch of probe"}, []string{"branch=release/1"}},
		{[]string{`"dreadful"`, "good, bad"}, []string{"branch=main", "mood=dreadful"}},
	} {
		args := []string{"template", "use", shop, name}
		for _, v := range c.set {
			args = append(args, "--set", v)
		}
		if out, err := s.cli("", args...); err == nil {
			t.Errorf("sdp %q was taken:\n%s", args, out)
		} else {
			for _, text := range append(c.texts, "->") {
				if !strings.Contains(out, text) {
					t.Errorf("sdp %q: the output lacks %q:\n%s", args, text, out)
				}
			}
		}
		s.fails(t, 1, []string{name}, "sandbox", "show", name)
	}
	s.ok(t, "template", "use", shop, name, "--set", "branch=feature/other", "--wait")
	s.deleteAtEnd(t, name)
	box := s.sandbox(t, name)
	if box.Description != "feature/other for testers" || serviceOf(t, box, "probe").Branch != "feature/other" {
		t.Errorf("made as %+v", box)
	}
	probe(t, box.URL, "").wantEnv(t, map[string]string{"MOOD": "good", "SELF": name, "LITERAL": "${kept}"})
	t.Run("from a sandbox", func(t *testing.T) { s.templateOf(t, box) })
	for what, c := range map[string]struct {
		code        int
		text, wants string
	}{
		"undeclared": {1, "sandbox: {description: \"${nosuch}\"}\n", "${nosuch}"},
		"unused":     {1, "parameters: {branch: {}}\nsandbox: {description: x}\n", "branch is declared but used nowhere"},
		"no pattern": {1, "parameters: {branch: {pattern: \"(\"}}\nsandbox: {description: \"${branch}\"}\n", "not a regular expression"},
		"no sandbox": {2, "parameters: {branch: {}}\n", "no sandbox"},
		"twice":      {2, "sandbox:\n  description: x\n  description: y\n", "template.yaml:3"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Logf("what the user sees:\n%s", s.fails(t, c.code, []string{c.wants, "->"}, "template", "create", shop+"x", "-f", templateFile(t, c.text)))
		})
	}
	s.fails(t, 1, []string{shop, "->"}, "template", "create", shop, "-f", templateFile(t, shopTemplate))
	s.fails(t, 1, []string{shop, "->"}, "template", "use", shop+"x", newName())
	s.fails(t, 1, []string{name, "->"}, "template", "use", shop, name, "--set", "branch=main")
}

// templateOf makes a template of a sandbox with its branch as a parameter.
func (s *site) templateOf(t *testing.T, box rest.Sandbox) {
	shop := "of-" + box.Name
	s.ok(t, "template", "create", shop, "--from", box.Name, "--parameter", "branch=probe")
	t.Cleanup(func() { s.ok(t, "template", "delete", shop) })
	made := askJSON[rest.Template](t, s.installation, "template", "show", shop)
	if len(made.Parameters) != 1 || made.Parameters[0].Default == nil || *made.Parameters[0].Default != "feature/other" {
		t.Errorf("made of a sandbox: %+v", made)
	}
	plan := askJSON[rest.Plan](t, s.installation, "template", "use", shop, newName(), "--dry-run")
	if !plan.New || actions(plan)["probe"] != "deploy" || plan.Services[0].Branch != "feature/other" || !plan.Services[0].Cached {
		t.Errorf("the plan of a sandbox from it: %+v", plan)
	}
}
