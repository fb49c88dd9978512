package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"sdp/internal/sdp"
)

// Credentials are what a person signs in to the git server with. They travel in an Authorization header only.
type Credentials struct{ User, Password string }

// Format keeps the password out of every kind of formatted output.
func (c Credentials) Format(s fmt.State, _ rune) { fmt.Fprint(s, "credentials of ", c.User) }

// Check proves that the credentials can read the repository at remoteURL. The error's code tells "wrong-credentials",
// "repository-forbidden", "repository-missing" and "git-unreachable" apart.
func Check(ctx context.Context, remoteURL string, c Credentials) error {
	_, err := advertise(ctx, remoteURL, c)
	return err
}

// Heads returns the commits the branches of the repository at remoteURL are at now, by branch. It costs one request and
// fails as Check does.
func Heads(ctx context.Context, remoteURL string, c Credentials) (map[string]string, error) {
	adv, err := advertise(ctx, remoteURL, c)
	if err != nil {
		return nil, err
	}
	heads := make(map[string]string, len(adv.branches))
	for branch, sha := range adv.branches {
		heads[branch] = sha.String()
	}
	return heads, nil
}

// advertisement is what a git server says about a repository.
type advertisement struct {
	at           time.Time
	capabilities *capability.List
	branches     map[string]plumbing.Hash
	tips         map[plumbing.Hash]bool
}

// client is shared, so that requests reuse connections. The timeouts bound what a context without a deadline does not.
var client = githttp.NewClient(&http.Client{Transport: guard{&http.Transport{
	Proxy:                 http.ProxyFromEnvironment,
	DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
	ForceAttemptHTTP2:     true,
	MaxIdleConnsPerHost:   32, // a plan asks about all its services at once
	IdleConnTimeout:       90 * time.Second,
	TLSHandshakeTimeout:   10 * time.Second,
	ResponseHeaderTimeout: time.Minute,
}}})

func newSession(remoteURL string, c Credentials) (transport.UploadPackSession, error) {
	ep, err := transport.NewEndpoint(remoteURL)
	if err != nil || (ep.Protocol != "http" && ep.Protocol != "https") {
		return nil, sdp.Errorf(sdp.Invalid, "remote-not-http", "the repository's address is not an http or https URL").
			WithRemedy("set the clone's remote to https://HOST/REPOSITORY.git")
	}
	ep.User, ep.Password = "", ""
	return client.NewUploadPackSession(ep, &githttp.BasicAuth{Username: c.User, Password: c.Password})
}

// advertise is `git ls-remote`: one request.
func advertise(ctx context.Context, remoteURL string, c Credentials) (*advertisement, error) {
	s, err := newSession(remoteURL, c)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	adv := &advertisement{at: time.Now(), branches: map[string]plumbing.Hash{}, tips: map[plumbing.Hash]bool{}}
	refs, err := s.AdvertisedReferencesContext(ctx)
	if errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return adv, nil
	}
	if err != nil {
		return nil, serverError(ctx, remoteURL, err)
	}
	adv.capabilities = refs.Capabilities
	for name, sha := range refs.References {
		adv.tips[sha] = true
		if branch, ok := strings.CutPrefix(name, "refs/heads/"); ok {
			adv.branches[branch] = sha
		}
	}
	return adv, nil
}

// guard refuses answers that are not git's before go-git parses them, and keeps it from reading an error page of any
// size into memory.
type guard struct{ next http.RoundTripper }

func (g guard) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := g.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		res.Body = readCloser{io.LimitReader(res.Body, 4<<10), res.Body}
		return res, nil
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if !strings.HasPrefix(kind, "application/x-git-upload-pack-") {
		res.Body.Close()
		return nil, fmt.Errorf("it answered with %q instead of git's smart HTTP protocol", kind)
	}
	return res, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}

// serverError says what a failed request means. It carries none of the server's text, which may echo anything.
func serverError(ctx context.Context, remoteURL string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("request to the git server: %w", ctx.Err())
	}
	where := remoteURL
	if u, perr := url.Parse(remoteURL); perr == nil {
		u.User = nil
		where = u.String()
	}
	var known *sdp.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, transport.ErrAuthenticationRequired):
		return sdp.Errorf(sdp.Unauthenticated, "wrong-credentials",
			"the git server refused the user name or password for %s", where).
			WithRemedy("sign in again: `sdp login`; an expired app password must be renewed on the git server first")
	case errors.Is(err, transport.ErrAuthorizationFailed):
		return sdp.Errorf(sdp.Forbidden, "repository-forbidden", "the git server does not let you read %s", where).
			WithRemedy("ask for read access; if you have it, sign in to the git server in a browser once: " +
				"it may want a captcha after wrong passwords")
	case errors.Is(err, transport.ErrRepositoryNotFound):
		return sdp.Errorf(sdp.NotFound, "repository-missing",
			"the git server has no repository %s, or hides it from you", where).
			WithRemedy("check the clone's remote URL, and that you may read the repository")
	}
	return sdp.Errorf(sdp.Unavailable, "git-unreachable", "the git server did not answer for %s: %s", where, cause(err)).
		WithRemedy("check that the node reaches the git server, then try again")
}

// cause shortens a request's error to what a person can act on.
func cause(err error) string {
	var status *githttp.Err
	if errors.As(err, &status) {
		return "status " + status.Response.Status
	}
	var unexpected *plumbing.UnexpectedError
	if errors.As(err, &unexpected) {
		err = unexpected.Err
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	return err.Error()
}

// branchNotFound names the branches that are called nearly the same.
func branchNotFound(branch string, adv *advertisement) error {
	err := sdp.Errorf(sdp.NotFound, "branch-not-found", "the git server has no branch %q", branch)
	names := make([]string, 0, len(adv.branches))
	for name := range adv.branches {
		names = append(names, name)
	}
	switch near := sdp.Nearest(branch, names); {
	case len(names) == 0:
		return err.WithRemedy("the repository is empty: push the branch first")
	case len(near) == 0:
		return err.WithRemedy("push the branch, or take one of those `sdp branches` lists")
	default:
		return err.WithRemedy("push the branch, or take one called nearly the same: %s", strings.Join(near, ", "))
	}
}
