package role

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"sdp/activities"
	"sdp/api"
	"sdp/internal/control"
	"sdp/internal/control/reconcile"
	"sdp/internal/engine"
	"sdp/internal/pause"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/web"
	"sdp/worker"
)

func serverCommand() *cobra.Command {
	var path string
	return configFlag(&cobra.Command{
		Use:   "server --config FILE",
		Short: "Run the control plane: API, dashboard and the control worker",
		Long: `Run the control plane: the API, the dashboard and the control worker. It needs PostgreSQL and Temporal and waits
for both; the database's schema is brought up to date at start.`,
		Example: "  sdp server --config /etc/sdp/server.yaml",
		RunE: func(cmd *cobra.Command, _ []string) error {
			startLog("server")
			c, err := loadServerConfig(path)
			if err != nil {
				return err
			}
			return runServer(cmd.Context(), c)
		},
	}, &path, "server.yaml")
}

// server is what the parts of the control plane share.
type server struct {
	config   serverConfig
	started  time.Time
	db       *postgres.DB
	hub      *postgres.Hub
	keys     *secret.Keyring
	codec    *secret.CodecKeys
	temporal client.Client
	engine   *engine.Engine
	control  *control.Control // of the API and of the control worker
	api      *api.Server
}

// runServer runs the control plane until ctx ends. Then requests are finished first, the workers next, and the
// connections to the database and to Temporal are closed last.
func runServer(ctx context.Context, c serverConfig) error {
	s := &server{config: c, started: time.Now()}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return listenError(c.Listen, err)
	}
	defer listener.Close()
	if err := s.loadKeys(); err != nil {
		return err
	}
	defer s.temporal.Close()
	if err := s.openDatabase(ctx); ctx.Err() != nil {
		return nil // stopped while waiting
	} else if err != nil {
		return err
	}
	defer s.db.Close()

	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if s.hub, err = s.db.Listen(background); err != nil {
		return err
	}
	s.control = control.New(control.Config{DB: s.db, Keys: s.keys, Engine: s.engine, SharedServices: s.config.shared(),
		LoginRepository: s.config.Login.Repository, Started: s.started})
	if s.api, err = s.newAPI(); err != nil {
		return err
	}
	g, background := errgroup.WithContext(background)
	g.Go(func() error { return s.runControl(background) })
	g.Go(func() error { return s.reconciler().Run(background) })
	g.Go(func() error { return s.watchSchema(background) })
	g.Go(func() error {
		defer stop() // what runs in the background ends once no request needs it
		return s.serve(ctx, background, listener)
	})
	err = g.Wait()
	slog.Info("Stopped")
	return err
}

func listenError(address string, err error) error {
	return sdp.Errorf(sdp.Conflict, "port-held", "cannot listen on %s: %w", address, err).
		WithRemedy("stop what holds the port (`ss -ltnp` shows it), or set `listen` to another one")
}

// loadKeys opens the key files and prepares the client of Temporal, which needs one of them.
func (s *server) loadKeys() error {
	var err error
	if s.keys, err = secret.LoadKeyring(s.config.Keys.Master); err != nil {
		return err
	}
	if s.codec, err = secret.LoadCodecKeys(s.config.Keys.Codec); err != nil {
		return err
	}
	if s.temporal, err = worker.Dial(s.config.Temporal, s.codec, identity(), slog.Default()); err != nil {
		return err
	}
	s.engine = engine.New(s.temporal, s.keys)
	return nil
}

// identity names this server in the Temporal Web UI; there may be several.
func identity() string {
	host, err := os.Hostname()
	if err != nil {
		return "sdp-server"
	}
	return "sdp-server@" + host
}

// openDatabase waits for PostgreSQL, brings the schema up to date and connects.
func (s *server) openDatabase(ctx context.Context) error {
	password, err := s.config.password()
	if err != nil {
		return err
	}
	migrate := func(ctx context.Context) error { return postgres.Migrate(ctx, s.config.Database.URL, password) }
	if err := await(ctx, "PostgreSQL", migrate, isUnavailable); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if s.db, err = postgres.Open(ctx, s.config.Database.URL, password); err != nil {
		return err
	}
	if err := s.db.SetSharedServices(ctx, s.config.shared()); err != nil {
		s.db.Close()
		return err
	}
	return nil
}

func isUnavailable(err error) bool { return sdp.KindOf(err) == sdp.Unavailable }

func (s *server) newAPI() (*api.Server, error) {
	return api.New(api.Config{
		Version:    Version(),
		PublicURL:  s.config.PublicURL,
		SessionTTL: s.config.Login.Session,
		TrackEvery: s.config.Tracking.Every,
		TemporalUI: s.config.Temporal.UI,

		TemporalNamespace: s.config.Temporal.Namespace,

		Control:       s.control,
		DB:            s.db,
		Hub:           s.hub,
		Keys:          s.keys,
		TemporalReady: s.temporalReady,
		Dashboard:     web.Dashboard(),
	})
}

// schemaEvery is how often it is looked whether a newer server has migrated the database.
const schemaEvery = 5 * time.Second

// watchSchema ends the server, its control worker with it, once a newer one has migrated the database. Nothing is lost by
// that: the newer one goes on with what runs.
func (s *server) watchSchema(ctx context.Context) error {
	for pause.For(ctx, schemaEvery) == nil {
		if err := s.db.KnowsSchema(ctx); sdp.KindOf(err) == sdp.Conflict {
			return err
		}
	}
	return nil
}

func (s *server) reconciler() *reconcile.Reconciler {
	return &reconcile.Reconciler{DB: s.db, Engine: s.engine, Log: slog.Default(), KeepLog: s.config.Logs.Keep,
		LostAfter: s.config.Reconcile.LostAfter,
		Schedule:  func(ctx context.Context) error { return s.engine.ScheduleTracking(ctx, s.config.Tracking.Every) }}
}

func (s *server) temporalReady(ctx context.Context) error {
	_, err := s.temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
	return err
}

// runControl runs the control worker and starts it again whenever it ends, because a namespace or a Temporal that is
// not there yet comes up later.
func (s *server) runControl(ctx context.Context) error {
	control := &activities.Control{DB: s.db, Keys: s.keys, UseCases: s.control}
	return await(ctx, "Temporal", func(ctx context.Context) error {
		if err := s.temporalReady(ctx); err != nil {
			return err
		}
		w := worker.NewControl(s.temporal, control, s.config.Reconcile.Patience)
		if err := w.Start(); err != nil {
			return err
		}
		slog.Info("Ready", "url", s.config.PublicURL, "version", Version())
		return w.Run(worker.InterruptOf(ctx)) // stops the worker when ctx ends; returns early if Temporal dismissed it
	}, func(error) bool { return true })
}

// Limits of HTTP requests. A request must have arrived within readTimeout, read or not; the API sets a deadline of its own
// for bodies. Answers may take longer.
const (
	headerTimeout   = 10 * time.Second
	readTimeout     = 40 * time.Second
	idleTimeout     = 2 * time.Minute
	shutdownTimeout = 10 * time.Second
)

func httpServer(h http.Handler, read time.Duration) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: min(headerTimeout, read),
		ReadTimeout:       read,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn),
	}
}

// serve answers requests until ctx ends, and then finishes those it has.
func (s *server) serve(ctx, background context.Context, listener net.Listener) error {
	h := httpServer(s.withCodec(s.api, s.codec), readTimeout)
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(listener) }()
	slog.Info("Listening", "address", listener.Addr().String())
	select {
	case err := <-ended:
		return err
	case <-background.Done(): // a part in the background failed; its error is the one to report
	case <-ctx.Done():
	}
	s.api.Close() // ends the streams; their readers resume with the next server
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := h.Shutdown(grace)
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
