package e2e

import (
	"strings"
	"testing"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// Prune removes the images of branches nobody runs any more, and nothing else: not what is needed, not another
// instance's, not what somebody called nearly the same.
func TestImagesArePruned(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "services:\n  probe: {branch: main}\n")
	var unneeded string
	t.Run("deployed and deleted", func(t *testing.T) {
		own := s.newBranch(t, "probe")
		own.push(t, files{"note.go": "package main\n\nvar _ = \"" + own.name + "\"\n"})
		gone := s.newSandbox(t, "services:\n  probe: {branch: "+own.name+"}\n") // deleted at the end of this subtest
		unneeded = serviceOf(t, gone, "probe").Serving.Image
	})
	needed := serviceOf(t, box, "probe").Serving.Image
	const foreign, others = "sdp/probe-e2e:000000000000-000000000000", "sdp/probe:000000000000-e2eothers0000"
	imports(t, s, foreign)
	imports(t, s, others, "--change", "LABEL "+sdp.LabelInstance+"=another-instance", "--change", "LABEL "+sdp.LabelSHA+"="+strings.Repeat("0", 40))

	needs := map[string][]string{}
	for _, i := range askJSON[rest.Images](t, s.installation, "images", "list", "--node", "micro-1").Items {
		needs[i.Name] = i.NeededBy
	}
	if by := needs[needed]; len(by) == 0 || !strings.Contains(strings.Join(by, " "), box.Name) {
		t.Errorf("%s is needed by %q", needed, by)
	}
	if by, listed := needs[unneeded]; !listed || len(by) > 0 {
		t.Errorf("%s: listed %t, needed by %q", unneeded, listed, by)
	}
	for _, image := range []string{foreign, others} {
		if _, listed := needs[image]; listed {
			t.Errorf("%s, which is not ours, is listed", image)
		}
	}

	if out := s.ok(t, "images", "prune", "--dry-run"); !strings.Contains(out, "would remove") || !strings.Contains(out, unneeded) || strings.Contains(out, needed) {
		t.Errorf("the dry run says:\n%s", out)
	}
	s.hasImages(t, true, needed, unneeded, foreign, others)
	if out := s.ok(t, "images", "prune", "--node", "micro-1"); !strings.Contains(out, "removed") || !strings.Contains(out, unneeded) || strings.Contains(out, needed) {
		t.Errorf("the prune says:\n%s", out)
	}
	s.hasImages(t, true, needed, foreign, others)
	s.hasImages(t, false, unneeded)
	if out := s.ok(t, "images", "prune", "--node", "micro-1"); !strings.Contains(out, "nothing to remove") {
		t.Errorf("a second prune says:\n%s", out)
	}
	s.ok(t, "restart", box.Name, "probe", "--wait")
	probe(t, box.URL, "")
	s.fails(t, 1, []string{"nosuch", "->"}, "images", "prune", "--node", "nosuch")
	if out := s.ok(t, "audit"); !strings.Contains(out, "prune") {
		t.Errorf("the audit does not mention the prune:\n%s", out)
	}
}

// imports makes an image SDP did not make, removed at the end of the test.
func imports(t *testing.T, s *site, name string, args ...string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "own", name)
	command(t, dir, "tar", "-cf", "own.tar", "own")
	s.docker(t, append(append([]string{"import"}, args...), dir+"/own.tar", name)...)
	t.Cleanup(func() { s.docker(t, "rmi", name) })
}

func (s *site) hasImages(t *testing.T, want bool, names ...string) {
	t.Helper()
	all := strings.Fields(s.docker(t, "images", "--format", "{{.Repository}}:{{.Tag}}"))
	for _, name := range names {
		found := false
		for _, have := range all {
			found = found || have == name
		}
		if found != want {
			t.Errorf("image %s: there %t, want %t", name, found, want)
		}
	}
}
