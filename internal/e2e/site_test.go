package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sdp/deploy/demo"
	"sdp/internal/sdp"
)

// site is an installation without the demo: its git server, repositories and configuration are the test's own.
type site struct {
	*installation
	git    *gitServer
	clones string // of the repositories, and their origins before they were pushed
}

// repository is one repository of a site: what each branch has on top of main.
type repository struct {
	name     string
	config   string // its keys in the node's configuration besides name and path, as YAML flow
	main     files
	branches map[string]files
}

// files maps paths to contents. An empty content removes the file.
type files map[string]string

// newSite prepares an installation whose node micro-1 has repositories, the first of which proves logins, and settings
// of its own. It is not started.
func newSite(settings string, repositories ...repository) (*site, error) {
	i, err := prepare()
	if err != nil {
		return nil, err
	}
	i.flags = []string{"--no-demo", "--ports", ownPorts()}
	s := &site{installation: i, clones: filepath.Join(filepath.Dir(i.data), "clones")}
	if s.git, err = serveGit(filepath.Join(filepath.Dir(i.data), "git")); err != nil {
		return nil, err
	}
	config := often + settings + "repositories:\n"
	for _, r := range repositories {
		if err := s.seed(r); err != nil {
			return nil, errors.Join(err, s.remove())
		}
		config += "  - {name: " + r.name + ", path: " + filepath.Join(s.clones, r.name) + ", " + r.config + "}\n"
	}
	return s, errors.Join(
		put(filepath.Join(i.data, "config", "micro-1.yaml"), config),
		put(filepath.Join(i.data, "config", "server.yaml"), "login: {repository: "+repositories[0].name+"}\n"))
}

// firstPort is above what installations choose by themselves and below what the kernel gives to clients.
const firstPort = 29000

var sites atomic.Int32

// ownPorts is a range of public ports for a site that no other site gets: ranges chosen by chance meet now and then. Each of
// the processes that run side by side has ranges of its own.
func ownPorts() string {
	first := firstPort + 50*int(sites.Add(1)-1)
	if asked("run") == ofTheLab {
		first += 1000
	}
	return fmt.Sprintf("%d-%d", first, first+49)
}

// up starts the site and signs in as alice.
func (s *site) up() error { return errors.Join(s.boot(), s.login("alice", "alice-demo")) }

// remove takes everything of the site away.
func (s *site) remove() error { return errors.Join(s.uninstall(), s.git.close()) }

// seed makes a repository with its branches, pushes it and leaves a clone without credentials.
func (s *site) seed(r repository) error {
	dir := filepath.Join(s.clones, r.name)
	if err := errors.Join(os.MkdirAll(dir, 0o755), git(dir, "init", "-q", "-b", "main"), commit(dir, r.main)); err != nil {
		return err
	}
	for name, changes := range r.branches {
		if err := errors.Join(git(dir, "checkout", "-q", "-b", name, "main"), commit(dir, changes)); err != nil {
			return err
		}
	}
	return errors.Join(git(dir, "checkout", "-q", "main"), git(dir, "push", "-q", "--all", s.git.as("alice", "alice-demo", r.name)),
		git(dir, "remote", "add", "origin", s.git.url+"/scm/demo/"+r.name+".git"))
}

func commit(dir string, changes files) error {
	for name, text := range changes {
		path := filepath.Join(dir, name)
		var err error
		if text == "" {
			err = os.Remove(path)
		} else {
			err = put(path, text)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(git(dir, "add", "-A"),
		git(dir, "-c", "user.name=Eve", "-c", "user.email=eve@example.com", "commit", "-q", "-m", "Change something"))
}

func git(dir string, args ...string) error {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return nil
}

func put(path, text string) error {
	return errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o600))
}

// gitServer is the demo's git server under the test's control: its users change, it goes away and comes back.
type gitServer struct {
	root    string
	address string
	url     string
	stop    context.CancelFunc
	ended   chan error
}

func serveGit(root string) (*gitServer, error) {
	g := &gitServer{root: root, address: "127.0.0.1:0"}
	return g, g.serve(demo.Users()...)
}

// serve starts the server, at its address if it had one before.
func (g *gitServer) serve(users ...demo.User) error {
	accounts, err := demo.NewAccounts(users...)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", g.address)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	g.address, g.stop, g.ended = l.Addr().String(), stop, make(chan error, 1)
	g.url = "http://" + g.address
	go func() { g.ended <- demo.ServeGit(ctx, l, g.root, accounts) }()
	return nil
}

func (g *gitServer) close() error {
	if g.stop == nil {
		return nil
	}
	g.stop()
	g.stop = nil
	return <-g.ended
}

// as is the URL of a repository with a user's credentials in it.
func (g *gitServer) as(user, password, name string) string {
	return strings.Replace(g.url, "http://", "http://"+user+":"+password+"@", 1) + "/scm/demo/" + name + ".git"
}

// lab is the site the bad inputs are tried on. It shares the machine's Docker daemon with the stack and is started by
// the first test that asks for it; tests that use it are listed in ofTheLab.
func lab(t *testing.T) *site {
	t.Helper()
	s, err := startLab()
	if err != nil {
		t.Fatal("the second installation did not come up: ", err)
	}
	return s
}

var labStarted *site

var startLab = sync.OnceValues(func() (*site, error) {
	s, err := newSite("healthTimeout: 4s\n", plainRepository, onBaseRepository, bareRepository, fromBaseRepository, chattyRepository,
		probeRepository)
	if err != nil {
		return nil, err
	}
	labStarted = s
	watchful := "login: {repository: plain}\ntracking: {every: 2s}\n"
	return s, errors.Join(put(filepath.Join(s.data, "config", "server.yaml"), watchful), s.limitDisk("micro-1"), s.up())
})

func stopLab() error {
	if labStarted == nil {
		return nil
	}
	return labStarted.remove()
}

// slowBranch pushes a branch of a Go repository whose build takes many seconds.
func (s *site) slowBranch(t *testing.T, name string) string {
	t.Helper()
	branch := "feature/" + strings.ToLower(sdp.NewID("slow-"))
	dir := filepath.Join(t.TempDir(), name)
	if err := errors.Join(git("", "clone", "-q", s.git.as("alice", "alice-demo", name), dir),
		commit(dir, files{"slow.go": slowSource(branch)}), git(dir, "push", "-q", "origin", "HEAD:refs/heads/"+branch)); err != nil {
		t.Fatal(err)
	}
	return branch
}
