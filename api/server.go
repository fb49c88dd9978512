package api

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/gin-gonic/gin"

	"sdp/api/dashboard"
	"sdp/api/idempotency"
	"sdp/api/live"
	"sdp/api/loginlimit"
	"sdp/api/nodeapi"
	"sdp/api/rest"
	"sdp/api/transport"
	"sdp/internal/control"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// Config is what a Server needs. Control, DB, Hub, Keys and PublicURL are required.
type Config struct {
	Version   string // shown by the OpenAPI document and /healthz
	PublicURL string // where browsers reach the server: decides Secure cookies and the accepted Origin
	// SessionTTL is how long a session lasts (default 12 h).
	SessionTTL time.Duration
	// TrackEvery is how often branches are looked at; 0 = never.
	TrackEvery time.Duration
	TemporalUI string // URL of the Temporal Web UI, for links; "" = none
	// TemporalNamespace is the namespace of the workflows (default "sdp").
	TemporalNamespace string

	Control *control.Control // all that can be asked for; others may share it
	DB      *postgres.DB     // for what is only read
	Hub     *postgres.Hub
	Keys    *secret.Keyring
	// TemporalReady tells /readyz whether Temporal answers; nil = not asked.
	TemporalReady func(context.Context) error
	Log           *slog.Logger // default slog.Default()

	Dashboard   fs.FS            // files of the dashboard; nil = one plain page that says where the API is
	Now         func() time.Time // default time.Now
	BodyTimeout time.Duration    // how long a request's body may take to arrive (default 30 s)
}

// Server answers HTTP requests.
type Server struct {
	cfg     Config
	db      *postgres.DB
	log     *slog.Logger
	public  *url.URL
	engine  *gin.Engine
	handler http.Handler
	api     huma.API
	origin  *http.CrossOriginProtection
	logins  *loginlimit.Limiter
	runs    rest.Runs
	nodeAPI *nodeapi.Endpoints // authenticated by asNode
	pages   dashboard.Files
	control *control.Control

	keys    *idempotency.Keys
	streams *live.Streams
}

// New returns a Server. It starts nothing by itself.
func New(cfg Config) (*Server, error) {
	withDefaults(&cfg)
	public, err := url.Parse(cfg.PublicURL)
	if err != nil || public.Host == "" {
		return nil, sdp.Errorf(sdp.Invalid, "bad-config", "publicURL %q is not a URL", cfg.PublicURL).
			WithRemedy("set publicURL to where browsers reach the server, such as http://sdp.example:7700")
	}
	s := &Server{
		cfg: cfg, control: cfg.Control, db: cfg.DB, log: cfg.Log, public: public,
		runs:   rest.Runs{UI: cfg.TemporalUI, Namespace: cfg.TemporalNamespace},
		origin: http.NewCrossOriginProtection(), logins: loginlimit.New(cfg.Now), streams: live.NewStreams(),
		nodeAPI: &nodeapi.Endpoints{DB: cfg.DB, Control: cfg.Control, Keys: cfg.Keys,
			Repeated:    func(ctx context.Context) { infoOf(ctx).quiet = true },
			TokenIssued: func(ctx context.Context) time.Time { return infoOf(ctx).tokenIssued }, Now: cfg.Now},
		keys: &idempotency.Keys{DB: cfg.DB, Log: cfg.Log, MaxBody: maxBody,
			Secret: []byte(cfg.Keys.NodeToken("/idempotency", time.Time{}))}, // no node can have that name
	}
	if err := s.origin.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "bad-config", "publicURL %q is not an origin: %w", cfg.PublicURL, err)
	}
	if s.pages, err = dashboard.Load(cfg.Dashboard); err != nil {
		return nil, err
	}
	s.engine = gin.New()
	s.prepare(s.engine)
	s.handler, err = transport.Compressing(s.engine)
	return s, err
}

func withDefaults(cfg *Config) {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.SessionTTL == 0 {
		cfg.SessionTTL = 12 * time.Hour
	}
	if cfg.TemporalNamespace == "" {
		cfg.TemporalNamespace = "sdp"
	}
	if cfg.BodyTimeout == 0 {
		cfg.BodyTimeout = 30 * time.Second
	}
	if cfg.Version == "" {
		cfg.Version = "dev"
	}
}

func (s *Server) prepare(r *gin.Engine) {
	r.HandleMethodNotAllowed = true
	r.RedirectTrailingSlash = false
	_ = r.SetTrustedProxies(nil) // an address in a header proves nothing
	r.Use(s.identify, s.recovered, s.secureHeaders)
	r.NoRoute(s.notFound)
	r.NoMethod(s.wrongMethod)
	s.api = humagin.New(r, s.openAPI())
	s.routes()
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// OpenAPI returns the OpenAPI 3.1 document.
func (s *Server) OpenAPI() *huma.OpenAPI { return s.api.OpenAPI() }

// Close ends all streams, which http.Server.Shutdown does not know of, and waits until they have ended. Their readers
// resume with the next server.
func (s *Server) Close() {
	s.streams.Shut()
}

// Routes lists every route as "METHOD /path", with {parameters}.
func (s *Server) Routes() []string {
	var routes []string
	for _, r := range s.engine.Routes() {
		routes = append(routes, r.Method+" "+ginParameter.ReplaceAllString(r.Path, "{$1}"))
	}
	return routes
}

var ginParameter = regexp.MustCompile(`:(\w+)`)
