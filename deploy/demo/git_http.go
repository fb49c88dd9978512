package demo

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/cgi"
	"os/exec"
	"regexp"
	"strings"

	"sdp/internal/sdp"
)

// gitHandler serves <host>/scm/<project>/<repository>.git through git's own http-backend, smart protocol only.
type gitHandler struct {
	root  string
	git   string // the git executable
	users *Accounts
}

func newGitHandler(root string, users *Accounts) (http.Handler, error) {
	git, err := exec.LookPath("git")
	if err != nil {
		return nil, sdp.Errorf(sdp.Unavailable, "git-missing", "git is not installed: %w", err).
			WithRemedy("apt-get install git")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.Handle("/scm/", &gitHandler{root: root, git: git, users: users})
	return mux, nil
}

// gitRequest is one step of the smart protocol (gitprotocol-http(5)).
type gitRequest struct {
	repository bareRepository
	step       string // "info/refs", "git-upload-pack" or "git-receive-pack"
	push       bool
	user       string
}

// The names leave no room for "..", hidden files, or an option to git.
var gitPath = regexp.MustCompile(
	`^/scm/([A-Za-z0-9][A-Za-z0-9_-]{0,63})/([A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*?)\.git` +
		`/(info/refs|git-upload-pack|git-receive-pack)$`)

func (h *gitHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, password, _ := r.BasicAuth()
	if !h.users.check(name, password) {
		h.refuse(w, name)
		return
	}
	req, ok := h.parse(r)
	if !ok {
		http.NotFound(w, r)
		return
	}
	req.user = name
	if !h.prepare(w, r, req) {
		return
	}
	slog.Debug("Served git", "repository", req.repository.String(), "step", req.step, "push", req.push, "user", name)
	h.backend(w, r, req)
	if req.step == "git-receive-pack" {
		req.repository.fixHead(r.Context())
	}
}

// refuse answers 401. The name is logged only if it is a user's: people type passwords into the wrong field.
func (h *gitHandler) refuse(w http.ResponseWriter, name string) {
	if h.users.known(name) {
		slog.Warn("Refused git credentials", "user", name)
	}
	w.Header().Set("WWW-Authenticate", `Basic realm="Bitbucket", charset="UTF-8"`)
	http.Error(w, "Authentication failed.", http.StatusUnauthorized)
}

func (h *gitHandler) parse(r *http.Request) (gitRequest, bool) {
	m := gitPath.FindStringSubmatch(r.URL.Path)
	if m == nil || len(m[2]) > 64 {
		return gitRequest{}, false
	}
	req := gitRequest{repository: bareRepository{h.root, m[1], m[2]}, step: m[3]}
	service := m[3]
	if service == "info/refs" {
		service = r.URL.Query().Get("service")
	}
	req.push = service == "git-receive-pack"
	return req, req.push || service == "git-upload-pack"
}

// prepare makes sure that the repository is there, creating it for a push, or answers and returns false.
func (h *gitHandler) prepare(w http.ResponseWriter, r *http.Request, req gitRequest) bool {
	if req.repository.exists() {
		return true
	}
	if !req.push {
		http.Error(w, "Repository not found.", http.StatusNotFound)
		return false
	}
	if err := req.repository.create(r.Context()); err != nil {
		slog.Error("Failed to create a repository", "repository", req.repository.String(), "error", err)
		http.Error(w, "The repository could not be created.", http.StatusInternalServerError)
		return false
	}
	slog.Info("Created repository", "repository", req.repository.String(), "user", req.user)
	return true
}

// backend runs `git http-backend` for the request.
func (h *gitHandler) backend(w http.ResponseWriter, r *http.Request, req gitRequest) {
	// http-backend sends its headers before it has read the body; without this, net/http would eat the rest of it.
	_ = http.NewResponseController(w).EnableFullDuplex()
	in := r.Clone(r.Context())
	in.Header.Del("Authorization") // CGI would put the password into the environment of git
	if len(in.TransferEncoding) > 0 {
		in.TransferEncoding, in.ContentLength = nil, -1 // http-backend reads to the end, whatever cgi thinks of chunks
	}
	stderr := &bytes.Buffer{}
	backend := cgi.Handler{
		Path:   h.git,
		Args:   []string{"http-backend"},
		Dir:    h.root,
		Root:   "/scm",
		Env:    append(gitEnv(h.root), "GIT_PROJECT_ROOT="+h.root, "GIT_HTTP_EXPORT_ALL=1", "REMOTE_USER="+req.user),
		Stderr: stderr,
		Logger: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	backend.ServeHTTP(w, in)
	if text := strings.TrimSpace(stderr.String()); text != "" {
		slog.Debug("Git printed", "repository", req.repository.String(), "output", text)
	}
}
