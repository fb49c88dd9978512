package node

import (
	"context"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sdp/internal/containers"
	"sdp/internal/docker"
	"sdp/internal/sdp"
)

// shelf is a node that has images and nothing else, on a real Docker daemon, in an instance of its own. A person works
// on the same daemon with the docker command.
type shelf struct {
	*Node
	runtime *docker.Client
	data    string
	t       *testing.T
	binary  string
	theirs  []string // names the person gave
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	d, err := docker.New("unix:///var/run/docker.sock", sdp.NewID("t"), "micro-1", netip.MustParsePrefix("10.214.128.0/18"))
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{t: t, runtime: d, data: t.TempDir()}
	s.Node = New(Config{Name: "micro-1", Data: s.data, Runtime: d, Repositories: map[string]Repository{}})
	t.Cleanup(s.clear)
	s.binary = filepath.Join(s.data, "program")
	write(t, filepath.Join(s.data, "main.go"), "package main\nimport \"time\"\nfunc main() { time.Sleep(time.Hour) }\n", 0o644)
	build := exec.Command("go", "build", "-o", s.binary, "main.go")
	build.Dir, build.Env = s.data, append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %s", out)
	}
	return s
}

// clear removes what the test made: first what the person did, then the instance's images.
func (s *shelf) clear() {
	for _, name := range s.theirs {
		if out, err := exec.Command("docker", "rmi", "-f", name).CombinedOutput(); err != nil && !strings.Contains(string(out), "No such image") {
			s.t.Errorf("docker rmi %s: %s", name, out)
		}
	}
	list, err := s.runtime.ListImages(context.Background())
	if err != nil {
		s.t.Error(err)
	}
	for _, i := range list {
		for _, ref := range append(i.Refs, i.ID) {
			if err := s.runtime.RemoveImage(context.Background(), ref); err != nil {
				s.t.Error(err)
			}
		}
	}
	s.runtime.Close()
}

// image makes an image of a repository as a deployment does and returns its name. key tells images of one commitSHA apart.
func (s *shelf) image(repository, key string) string {
	s.t.Helper()
	name := sdp.ImageName(repository+"-"+s.instance(), commitSHA, key)
	labels := map[string]string{sdp.LabelRepository: repository + "-" + s.instance(), sdp.LabelSHA: commitSHA}
	program, err := os.ReadFile(s.binary)
	if err != nil {
		s.t.Fatal(err)
	}
	binary := filepath.Join(s.t.TempDir(), "program") // each image has one of its own
	write(s.t, binary, string(program)+key+sdp.NewID(""), 0o755)
	g := containers.GoImage{Ref: name, Binary: binary, Name: "program", Labels: labels, Port: 8080}
	if err := s.runtime.AssembleGoImage(s.t.Context(), g); err != nil {
		s.t.Fatal(err)
	}
	return name
}

// instance keeps the images of tests that run at once apart: names are shared by all instances of a daemon.
func (s *shelf) instance() string { return strings.ToLower(filepath.Base(filepath.Dir(s.data)))[:8] }

// docker runs the docker command and returns what it prints.
func (s *shelf) docker(args ...string) string {
	s.t.Helper()
	cmd := exec.Command("docker", args...)
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("docker %v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

func (s *shelf) prune(needed sdp.NeededImages, dryRun bool) sdp.PruneReport {
	s.t.Helper()
	r, err := s.Images.Prune(s.t.Context(), needed, dryRun)
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

func names(images []sdp.NodeImage) string {
	var out []string
	for _, i := range images {
		out = append(out, i.Name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func (s *shelf) has(name string) bool {
	s.t.Helper()
	_, found, err := s.runtime.ImageInfo(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

// Only what SDP made and nothing needs goes: not what the control plane, a container or a busy deployment needs, and
// nothing that a person has made of it.
func TestPrune(t *testing.T) {
	s := newShelf(t)
	unneeded, needed, used := s.image("account", "unneeded"), s.image("account", "needed00"), s.image("account", "used0000")
	claimed, named, parent := s.image("payment", "claimed0"), s.image("payment", "named000"), s.image("payment", "parent00")
	pending := s.image("ledger", "pending0")
	leftover := s.docker("image", "inspect", "-f", "{{.Id}}", s.image("user", "twice000"))
	newer := s.image("user", "twice000") // takes the name
	s.theirs = []string{"mine/" + sdp.NewID(""), "derived/" + sdp.NewID("")}
	s.docker("tag", named, s.theirs[0])
	write(t, filepath.Join(s.data, "Dockerfile"), "FROM "+parent+"\nLABEL their=own\nCOPY main.go /main.go\n", 0o644)
	s.docker("build", "-q", "-t", s.theirs[1], s.data)
	nameless := s.docker("build", "-q", "--label", "more=yes", s.data)
	container := s.docker("create", used)
	t.Cleanup(func() { s.docker("rm", "-f", container); s.docker("rmi", "-f", nameless) })
	s.Images.claims.take("d-claimed", claimed)
	need := sdp.NeededImages{Images: map[string][]string{needed: {"snapshot release of sandbox box"}, newer: {"container user"}},
		Repositories: map[string]string{"ledger-" + s.instance(): "d-pending"}}

	want := strings.Join([]string{"", unneeded, parent}, " ")
	first := s.prune(need, true)
	if got := names(first.Removed); got != want || !first.DryRun || first.Freed < 1<<20 || first.DiskTotal == 0 {
		t.Errorf("would remove %q, want %q: %+v", got, want, first)
	}
	if !s.has(unneeded) || !s.has(leftover) {
		t.Fatal("a dry run removed something")
	}
	r := s.prune(need, false)
	if names(r.Removed) != want || r.Freed != first.Freed {
		t.Errorf("removed %q and freed %d, announced %q and %d", names(r.Removed), r.Freed, want, first.Freed)
	}
	if s.has(unneeded) || s.has(leftover) {
		t.Error("what was reported as removed is there")
	}
	for name, why := range map[string]string{needed: "snapshot release", used: "container ", claimed: "deployment d-claimed",
		named: "somebody who called it mine/", pending: "deployment d-pending", newer: "container user"} {
		i := slices.IndexFunc(r.Kept, func(i sdp.NodeImage) bool { return i.Name == name })
		if !s.has(name) || i < 0 || !strings.HasPrefix(strings.Join(r.Kept[i].NeededBy, "; "), why) {
			t.Errorf("%s: kept %+v, want it for %q", name, r.Kept, why)
		}
	}
	for _, name := range []string{s.theirs[0], s.theirs[1], nameless} {
		if !s.has(name) {
			t.Errorf("%s, which a person made, is gone", name)
		}
	}
	s.Images.claims.drop("d-claimed")
	if r := s.prune(need, false); names(r.Removed) != claimed {
		t.Errorf("after the claim removed %q", names(r.Removed))
	}
	if !s.has(nameless) {
		t.Error("what a person made of an image that is gone is gone too")
	}
}

func TestImagesSaysWhatIsThere(t *testing.T) {
	s := newShelf(t)
	base := "base/" + sdp.NewID("")
	s.theirs = []string{base}
	write(t, filepath.Join(s.data, "Dockerfile"), "FROM scratch\nCOPY main.go /main.go\n", 0o644)
	s.docker("build", "-q", "-t", base, s.data)
	one := s.image("account", "one00000")
	on := s.image("payment", "base0000")
	g := containers.GoImage{Ref: on, Base: base, Binary: s.binary, Name: "program", Port: 8080,
		Labels: map[string]string{sdp.LabelRepository: "payment-" + s.instance(), sdp.LabelSHA: commitSHA}}
	if err := s.runtime.AssembleGoImage(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	all, err := s.runtime.Inventory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]sdp.NodeImage{}
	look := stock{images: s.Images, all: all, needed: sdp.NeededImages{Images: map[string][]string{one: {"a", "b", "b", "c", "d", "e"}}}}
	for _, i := range all {
		if v := look.view(i, look.kind(i)); v.Kind != "" {
			kinds[strings.TrimSuffix(v.Name, ":latest")] = v
		}
	}
	if v := kinds[one]; v.Kind != sdp.ServiceImage || v.SHA != commitSHA || v.Size == 0 || strings.Join(v.NeededBy, "") != "abcd1 more" {
		t.Errorf("%+v", v)
	}
	if v := kinds[base]; v.Kind != sdp.BaseImage || strings.Join(v.NeededBy, "") != "images of payment-"+s.instance() {
		t.Errorf("base %+v", v)
	}
	if v := kinds[on]; v.Kind != sdp.ServiceImage || len(v.NeededBy) != 0 {
		t.Errorf("%+v", v)
	}
	if r := s.prune(sdp.NeededImages{}, false); !s.has(base) || strings.Contains(names(r.Kept)+names(r.Removed), base) {
		t.Errorf("the base image was touched: %+v", r)
	}
}

// Another node of the instance, or another instance, on the same daemon removes nothing of this one's.
func TestPruneLeavesOthersAlone(t *testing.T) {
	s := newShelf(t)
	mine := s.image("account", "mine0000")
	other := newShelf(t)
	for _, need := range []sdp.NeededImages{{}, {Images: map[string][]string{mine: {"container account"}}}} {
		kept := ""
		if need.Images != nil {
			kept = mine // it counts as needed by who uses it
		}
		if r := other.prune(need, false); len(r.Removed) > 0 || names(r.Kept) != kept || !s.has(mine) {
			t.Errorf("another instance removed %q and kept %q, want %q", names(r.Removed), names(r.Kept), kept)
		}
		all, err := other.runtime.Inventory(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		look := stock{images: other.Images, all: all, needed: need}
		i := slices.IndexFunc(all, func(i containers.StoredImage) bool { return slices.Contains(i.Refs, mine) })
		if kind := look.kind(all[i]); kind == sdp.SharedImage != (need.Images != nil) {
			t.Errorf("it is %q", kind)
		}
	}
}

// Deployments find images and claim them while prunes run: whoever has found its image still has it.
func TestPruneAmongStartingDeployments(t *testing.T) {
	s := newShelf(t)
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.prune(sdp.NeededImages{}, false)
			}
		}
	})
	var deployments sync.WaitGroup
	for _, key := range []string{"aaaaaaaa", "bbbbbbbb", "cccccccc"} {
		deployments.Go(func() {
			name := sdp.ImageName("account-"+s.instance(), commitSHA, key)
			found := 0
			for found < 3 && t.Context().Err() == nil {
				s.Images.claims.take("d-"+key, name) // as Fetch does
				if !s.has(name) {
					if got := s.image("account", key); got != name {
						t.Errorf("made %s, want %s", got, name)
					}
				} else {
					found++
				}
				if !s.has(name) {
					t.Errorf("%s is gone although it is claimed", name)
				}
				if found%2 == 1 {
					s.Images.claims.drop("d-" + key) // it has ended: the image may go
				}
			}
		})
	}
	deployments.Wait()
	close(stop)
	wg.Wait()
}
