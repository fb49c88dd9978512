package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

// fault is how a deployment is expected to fail.
type fault struct {
	step   string
	code   string
	detail string // part of it
	remedy string // part of it
	output string // part of the failure's output; "" = none is required
}

// failsWith deploys what into a sandbox and wants it to fail as said, to the user's eyes and in the record, and nothing
// of it to be left. It returns the deployment.
func (s *site) failsWith(t *testing.T, box, what string, want fault) rest.Deployment {
	t.Helper()
	before := s.images(t)
	serving := len(s.containers(t, box))
	out := s.fails(t, 1, []string{"failed at " + want.step, want.detail, want.remedy, want.output}, "deploy", box, what, "--wait")
	t.Logf("what the user sees:\n%s", out)
	list := s.history(t, box)
	if len(list) == 0 {
		t.Fatal("there is no deployment")
	}
	d, f := list[0], list[0].Failure
	if d.State != sdp.DeployFailed || f == nil {
		t.Fatalf("deployment %s is %s, failure %+v", d.ID, d.State, f)
	}
	if string(f.Step) != want.step || f.Code != want.code || !strings.Contains(f.Detail, want.detail) ||
		!strings.Contains(f.Remedy, want.remedy) || !strings.Contains(f.Output, want.output) {
		t.Errorf("the failure is %+v, want %+v", *f, want)
	}
	s.leftNothing(t, box, d.ID, serving)
	// An image that was made is content-addressed and serves the next deployment of the commit; half of one does not.
	if now := s.images(t); want.step != "start" && now != before {
		t.Errorf("images before:\n%s\nand after the failure:\n%s", before, now)
	}
	return d
}

// leftNothing wants a failed deployment to have left no container beside those that serve, no checkout, and one end of
// its log.
func (s *site) leftNothing(t *testing.T, box, id string, serving int) {
	t.Helper()
	if left := s.containers(t, box); len(left) != serving {
		t.Errorf("containers after the failure: %q, want %d", left, serving)
	}
	if _, err := os.Stat(filepath.Join(s.data, "micro-1", "checkouts", id)); err == nil {
		t.Errorf("the checkout of %s is left", id)
	}
	if n := strings.Count(s.ok(t, "logs", id, "-f"), "[END]"); n != 1 {
		t.Errorf("the log ends %d times", n)
	}
}

// images lists the installation's images, and of those without a name the ones that a build of the lab left behind.
func (s *site) images(t *testing.T) string {
	t.Helper()
	list := s.docker(t, "images", "-q", "--no-trunc", "--filter", "label="+sdp.LabelInstance+"="+s.instance(t))
	for _, id := range strings.Fields(s.docker(t, "images", "-q", "--no-trunc", "--filter", "dangling=true")) {
		// Others build on this daemon as well, and remove what they built.
		step, err := exec.Command("docker", "history", "--no-trunc", "--format", "{{.CreatedBy}}", id).Output()
		if err == nil && strings.Contains(string(step), emitter) {
			list += id + "\n"
		}
	}
	ids := strings.Fields(list)
	slices.Sort(ids) // Docker's own order says when they were made, to the second
	return strings.Join(ids, "\n")
}

func TestModuleMissingOffline(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "services:\n  plain: {branch: main}\n")
	s.failsWith(t, box.Name, "plain@feature/needs-file", fault{
		step: "build", code: "module-missing", detail: "plain needs example.com/absent v1.2.3, which is not on the node",
		remedy: "`go mod download`", output: "example.com/absent",
	})
	for _, branch := range []string{"feature/needs-sum", "feature/needs-mod"} {
		s.failsWith(t, box.Name, "plain@"+branch, fault{
			step: "build", code: "module-undeclared", detail: "dep.go:3:8", remedy: "`go mod tidy`", output: "example.com/absent",
		})
	}
	wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@")
}

func TestNoDockerfile(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "")
	s.failsWith(t, box.Name, "bare@main", fault{
		step: "image", code: "no-dockerfile", detail: "the commit has no Dockerfile", remedy: "`dockerfile:`",
	})
}

var importCommand = regexp.MustCompile("`sdp images import image.tar`")

// A missing base image stops the deployment with the commands that bring it, and those work as they are printed.
func TestMissingBaseImage(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "")
	want := fault{
		code: "missing-base-image", detail: "node micro-1 does not have the image " + absentImage + ", and SDP pulls nothing",
		remedy: "`docker save " + absentImage + " | ssh micro-1 docker load`",
	}
	want.step = "fetch" // before anything is fetched or built
	d := s.failsWith(t, box.Name, "onbase@main", want)
	s.failsWith(t, box.Name, "frombase@main", want)
	if !importCommand.MatchString(d.Failure.Remedy) || !strings.Contains(d.Failure.Remedy, "`docker save -o image.tar "+absentImage+"`") {
		t.Fatalf("the remedy does not say how to import the image: %s", d.Failure.Remedy)
	}

	dir := t.TempDir()
	command(t, dir, "tar", "-cf", "empty.tar", "--files-from", "/dev/null")
	command(t, dir, "docker", "import", "empty.tar", absentImage)
	command(t, dir, "docker", "save", "-o", "image.tar", absentImage)
	command(t, "", "docker", "rmi", absentImage)
	t.Cleanup(func() { command(t, "", "docker", "rmi", absentImage) })
	out := command(t, dir, s.binary, "images", "import", "image.tar")
	if !strings.Contains(out, absentImage) {
		t.Errorf("`sdp images import` does not say what it imported: %s", out)
	}
	s.ok(t, "deploy", box.Name, "onbase@main", "--wait")
	wantAnswer(t, box.URL+"/onbase/", 200, "onbase=sandbox@")
}

func TestNeverHealthy(t *testing.T) {
	s := lab(t)
	box := s.newSandbox(t, "services:\n  plain: {branch: main}\n")
	before := time.Now()
	s.failsWith(t, box.Name, "plain@feature/wrong-port", fault{
		step: "start", code: "never-healthy", detail: "plain did not become healthy within 4s: GET /healthz on port 8080: connection refused",
		remedy: "check `port:` and `health:` of the repository on node micro-1", output: "listening where nobody asks",
	})
	if took := time.Since(before); took > 30*time.Second {
		t.Errorf("the failure took %s with a limit of 4s", took)
	}
	wantAnswer(t, box.URL+"/plain/", 200, "plain=sandbox@")
}
