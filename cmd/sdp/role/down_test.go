package role

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sdp/internal/containers"
	"sdp/internal/devstack"
	"sdp/internal/docker"
	"sdp/internal/sdp"
)

// TestDownTellsWhichImagesStay because somebody else's container uses them.
func TestDownTellsWhichImagesStay(t *testing.T) {
	stack := devstack.Stack{Docker: "unix:///var/run/docker.sock", Instance: sdp.NewID("t"), Nodes: []string{devstack.MicroNode}}
	d, err := docker.New(stack.Docker, stack.Instance, devstack.MicroNode, anyPool)
	must(t, err)
	t.Cleanup(func() { d.Close() })
	source, binary := filepath.Join(t.TempDir(), "main.go"), filepath.Join(t.TempDir(), "program")
	must(t, os.WriteFile(source, []byte("package main\nfunc main() {}\n"), 0o600))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	must(t, build.Run())
	used, unused := "sdp/used-"+stack.Instance+":1", "sdp/unused-"+stack.Instance+":1"
	for _, name := range []string{used, unused} {
		must(t, d.AssembleGoImage(t.Context(), containers.GoImage{Ref: name, Binary: binary, Name: "program", Port: 8080}))
	}
	out, err := exec.CommandContext(t.Context(), "docker", "create", used).Output()
	must(t, err)
	foreign := strings.TrimSpace(string(out))
	t.Cleanup(func() {
		exec.Command("docker", "rm", "-f", foreign).Run()
		exec.Command("docker", "rmi", used, unused).Run()
	})

	inUse, err := removeContainers(t.Context(), stack)
	must(t, err)
	if !slices.Equal(inUse, []string{used}) {
		t.Errorf("%q stay, want %s", inUse, used)
	}
	if _, found, err := d.ImageInfo(t.Context(), unused); found || err != nil {
		t.Errorf("%s stays: %v", unused, err)
	}
	must(t, exec.CommandContext(t.Context(), "docker", "rm", "-f", foreign).Run())
	if inUse, err := removeContainers(t.Context(), stack); len(inUse) > 0 || err != nil {
		t.Errorf("once it is gone %q stay: %v", inUse, err)
	}
}

func TestImagesThatStayAreOneLine(t *testing.T) {
	for n, want := range map[int]string{
		1: "1 image stays, because a container that is not this installation's uses it: x",
		7: "7 images stay, because containers that are not this installation's use them: x, x, x, x, x and 2 more",
	} {
		if got := imagesStay(slices.Repeat([]string{"x"}, n)); got != want {
			t.Errorf("got %s", got)
		}
	}
}
