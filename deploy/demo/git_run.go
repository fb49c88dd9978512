package demo

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"sdp/internal/sdp"
)

// GitConfig says how RunGit serves. It has a flag for each field in `sdp demo git`.
type GitConfig struct {
	Listen string // --listen: "host:port"
	Root   string // --root: directory of the bare repositories, <root>/<project>/<repository>.git; created if missing
	Users  string // --users: file as LoadUsers reads it; "" = the demo's own users
}

// RunGit serves git over HTTP until ctx ends: `sdp demo git`. It logs "Ready" once, with the URL, when it accepts
// requests, and then answers GET /healthz with 200 without credentials. It returns nil after ctx has ended.
func RunGit(ctx context.Context, cfg GitConfig) error {
	accounts, err := cfg.accounts()
	if err != nil {
		return err
	}
	l, err := listen(ctx, cfg.Listen)
	if err != nil {
		return err
	}
	return ServeGit(ctx, l, cfg.Root, accounts)
}

func (cfg GitConfig) accounts() (*Accounts, error) {
	if cfg.Users == "" {
		return NewAccounts(Users()...)
	}
	return LoadUsers(cfg.Users)
}

// ServeGit is RunGit on a listener the caller has opened, which it closes.
func ServeGit(ctx context.Context, l net.Listener, root string, users *Accounts) error {
	root, err := makeDir(root)
	if err != nil {
		l.Close()
		return sdp.Errorf(sdp.Internal, "bad-data-directory", "the directory of the git repositories: %w", err)
	}
	handler, err := newGitHandler(root, users)
	if err != nil {
		l.Close()
		return err
	}
	slog.Info("Ready", "service", "git", "url", "http://"+l.Addr().String())
	return serve(ctx, l, handler)
}

// makeDir creates a directory and returns its absolute path.
func makeDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return abs, os.MkdirAll(abs, 0o755)
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, sdp.Errorf(sdp.Conflict, "port-held", "cannot listen: %w", err).
			WithRemedy("stop what listens there (`ss -ltnp` names it), or choose another address")
	}
	return l, nil
}

// readTimeout is how long a request may take to arrive, a push with all its commits; idleTimeout how long a connection may
// wait for the next one.
const (
	readTimeout = 2 * time.Minute
	idleTimeout = 2 * time.Minute
)

func httpServer(handler http.Handler, read time.Duration) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: min(10*time.Second, read),
		ReadTimeout:       read,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
}

// serve answers requests until ctx ends, gives those in flight two seconds, and returns nil.
func serve(ctx context.Context, l net.Listener, handler http.Handler) error {
	server := httpServer(handler, readTimeout)
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		defer cancel()
		if server.Shutdown(grace) != nil {
			server.Close()
		}
	})
	err := server.Serve(l)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
