package api

import (
	"context"
	"net/http"
	"time"

	"sdp/api/rest"
	"sdp/internal/sdp"
)

func (s *Server) about(ctx context.Context, _ *none) (*body[rest.About], error) {
	names, err := s.db.EnvironmentNames(ctx)
	if err != nil {
		return nil, err
	}
	return &body[rest.About]{rest.About{Version: s.cfg.Version, TemporalUI: s.cfg.TemporalUI, Environments: names}}, nil
}

type healthOutput struct {
	Status int
	Body   rest.Health
}

// healthz says that the process answers. It asks nobody, so that an outage elsewhere gets no server restarted.
func (s *Server) healthz(context.Context, *none) (*body[rest.Health], error) {
	return &body[rest.Health]{rest.Health{Status: "ok", Version: s.cfg.Version}}, nil
}

// readyz says whether the parts the server depends on answer, and the database takes changes. What is wrong with them is logged, not shown.
func (s *Server) readyz(ctx context.Context, _ *none) (*healthOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	checks := map[string]func(context.Context) error{"database": s.db.Ping}
	if s.cfg.TemporalReady != nil {
		checks["temporal"] = s.cfg.TemporalReady
	}
	out := &healthOutput{Status: http.StatusOK, Body: rest.Health{Status: "ok", Version: s.cfg.Version, Checks: map[string]string{}}}
	for name, check := range checks {
		out.Body.Checks[name] = "ok"
		if err := check(ctx); err != nil {
			s.log.WarnContext(ctx, "Readiness check failed", "part", name, "error", err)
			out.Body.Checks[name] = "does not answer"
			if sdp.AsError(err).Code == "database-read-only" {
				out.Body.Checks[name] = "takes no changes"
			}
			out.Status, out.Body.Status = http.StatusServiceUnavailable, "unavailable"
		}
	}
	return out, nil
}
