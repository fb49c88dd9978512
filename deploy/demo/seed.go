package demo

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"sdp/internal/sdp"
)

// Repository is one repository of the demo, as a node's configuration would describe it.
type Repository struct {
	Name       string // "account"
	Node       string // type of node it belongs to: "MICRO" or "GATEWAY"
	Kind       string // "go" or "dockerfile"
	Path       string // clone: <dir>/AppGolang/account, <dir>/SDP
	Build      string // "./cmd/account"; "" for dockerfile
	Dockerfile string // "Dockerfile"; "" for go
	Port       int
	Health     string // "/healthz"
}

// Repositories lists the demo's repositories with their clones under dir: account, payment, user, gateway.
func Repositories(dir string) []Repository {
	var list []Repository
	for _, name := range []string{"account", "payment", "user"} {
		list = append(list, Repository{
			Name: name, Node: "MICRO", Kind: "go", Path: filepath.Join(dir, "AppGolang", name),
			Build: "./cmd/" + name, Port: ServicePort, Health: "/healthz",
		})
	}
	return append(list, Repository{
		Name: "gateway", Node: "GATEWAY", Kind: "dockerfile", Path: filepath.Join(dir, "SDP"),
		Dockerfile: "Dockerfile", Port: ServicePort, Health: "/healthz",
	})
}

// Seed pushes the demo's repositories to the git server at gitURL ("http://host:port") as the first of users, and
// clones them to dir/AppGolang/{account,payment,user} and dir/SDP. The clones' remote URL holds no credentials.
// What is there already is left alone: a repository with branches is not pushed to, a clone only gets its remote URL
// set right. So it may be called at every start.
func Seed(ctx context.Context, dir, gitURL string, users []User) error {
	if len(users) == 0 {
		return sdp.Errorf(sdp.Invalid, "no-user", "seeding needs a user who may push")
	}
	work, err := os.MkdirTemp("", "sdp-seed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	s := seeder{gitURL: strings.TrimSuffix(gitURL, "/"), user: users[0], work: work}
	if err := s.storeCredentials(); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range Repositories(dir) {
		group.Go(func() error {
			if err := s.push(ctx, r.Name); err != nil {
				return err
			}
			return s.clone(ctx, r)
		})
	}
	return group.Wait()
}

type seeder struct {
	gitURL string
	user   User
	work   string // scratch directory, for this seeding only
}

func (s seeder) url(repository string) string {
	return s.gitURL + "/scm/" + Project + "/" + repository + ".git"
}

// storeCredentials writes the file git takes the password from: neither command lines nor environments are private.
func (s seeder) storeCredentials() error {
	u, err := url.Parse(s.gitURL)
	if err != nil || u.Host == "" {
		return sdp.Errorf(sdp.Invalid, "bad-url", "the git server's URL is not one").
			WithRemedy("it looks like http://127.0.0.1:7990")
	}
	u.User, u.Path = url.UserPassword(s.user.Name, s.user.Password), ""
	return os.WriteFile(s.credentials(), []byte(u.String()+"\n"), 0o600)
}

func (s seeder) credentials() string { return filepath.Join(s.work, "credentials") }

// git runs a git command that may ask the git server.
func (s seeder) git(ctx context.Context, dir string, args ...string) error {
	ask := []string{"-c", "credential.helper=", "-c", "credential.helper=store --file='" + s.credentials() + "'"}
	_, err := runGit(ctx, dir, append(ask, args...)...)
	return err
}

// push makes the repository's history and pushes it, unless the server has branches of it.
func (s seeder) push(ctx context.Context, name string) error {
	there, err := s.hasBranches(ctx, name)
	if err != nil || there {
		return err
	}
	history, err := fastImport(name)
	if err != nil {
		return err
	}
	bare := filepath.Join(s.work, name+".git")
	if _, err := runGit(ctx, s.work, "init", "--quiet", "--bare", "--template=", bare); err != nil {
		return err
	}
	if _, err := pipeGit(ctx, bare, bytes.NewReader(history), "fast-import", "--quiet", "--done"); err != nil {
		return err
	}
	return s.git(ctx, bare, "push", "--quiet", "--atomic", s.url(name), "refs/heads/*:refs/heads/*")
}

// hasBranches reports whether the git server has branches of the repository.
func (s seeder) hasBranches(ctx context.Context, name string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url(name)+"/info/refs?service=git-upload-pack", nil)
	if err != nil {
		return false, err
	}
	req.SetBasicAuth(s.user.Name, s.user.Password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, sdp.Errorf(sdp.Unavailable, "git-unreachable", "the demo's git server does not answer: %w", err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	_, _ = body.ReadFrom(resp.Body)
	switch resp.StatusCode {
	case http.StatusOK:
		return bytes.Contains(body.Bytes(), []byte(" refs/heads/")), nil
	case http.StatusNotFound:
		return false, nil
	case http.StatusUnauthorized:
		return false, sdp.Errorf(sdp.Unauthenticated, "wrong-credentials", "the git server refuses user %s", s.user.Name)
	default:
		return false, sdp.Errorf(sdp.Unavailable, "git-failed", "the git server answered %s", resp.Status)
	}
}

// clone clones the repository, or corrects the remote URL of the clone there is.
func (s seeder) clone(ctx context.Context, r Repository) error {
	_, err := os.Stat(filepath.Join(r.Path, ".git"))
	if err == nil {
		return s.setRemote(ctx, r)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.Path), 0o755); err != nil {
		return err
	}
	temp := r.Path + ".cloning" // renamed when complete, so that a half clone is never taken for one
	if err := os.RemoveAll(temp); err != nil {
		return err
	}
	if err := s.git(ctx, filepath.Dir(r.Path), "clone", "--quiet", s.url(r.Name), temp); err != nil {
		return err
	}
	if err := os.Rename(temp, r.Path); err != nil {
		return sdp.Errorf(sdp.Conflict, "path-taken", "cannot clone %s: %w", r.Name, err).
			WithRemedy("move %s away", r.Path)
	}
	return nil
}

func (s seeder) setRemote(ctx context.Context, r Repository) error {
	now, err := runGit(ctx, r.Path, "config", "--get", "remote.origin.url")
	if err == nil && now == s.url(r.Name) {
		return nil
	}
	_, err = runGit(ctx, r.Path, "config", "remote.origin.url", s.url(r.Name))
	return err
}
