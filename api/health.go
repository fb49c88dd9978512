package api

import (
	"context"
	"net/http"
	"time"
)

// Health is the answer of /healthz and /readyz.
type Health struct {
	Status  string            `json:"status" enum:"ok,unavailable"`
	Version string            `json:"version"`
	Checks  map[string]string `json:"checks,omitempty" doc:"each part the server depends on: ok, or what is wrong"`
}

// About describes the installation.
type About struct {
	Version      string   `json:"version"`
	TemporalUI   string   `json:"temporalUI,omitempty" doc:"URL of the Temporal Web UI"`
	Environments []string `json:"environments" doc:"names a sandbox's environment may have"`
}

func (s *Server) about(ctx context.Context, _ *none) (*body[About], error) {
	names, err := s.db.EnvironmentNames(ctx)
	if err != nil {
		return nil, err
	}
	return &body[About]{About{Version: s.cfg.Version, TemporalUI: s.cfg.TemporalUI, Environments: names}}, nil
}

type healthOutput struct {
	Status int
	Body   Health
}

// healthz says that the process answers. It asks nobody, so that an outage elsewhere gets no server restarted.
func (s *Server) healthz(context.Context, *none) (*body[Health], error) {
	return &body[Health]{Health{Status: "ok", Version: s.cfg.Version}}, nil
}

// readyz says whether the parts the server depends on answer. What is wrong with them is logged, not shown.
func (s *Server) readyz(ctx context.Context, _ *none) (*healthOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	checks := map[string]func(context.Context) error{"database": s.db.Ping}
	if s.cfg.TemporalReady != nil {
		checks["temporal"] = s.cfg.TemporalReady
	}
	out := &healthOutput{Status: http.StatusOK, Body: Health{Status: "ok", Version: s.cfg.Version, Checks: map[string]string{}}}
	for name, check := range checks {
		out.Body.Checks[name] = "ok"
		if err := check(ctx); err != nil {
			s.log.WarnContext(ctx, "Readiness check failed", "part", name, "error", err)
			out.Body.Checks[name] = "does not answer"
			out.Status, out.Body.Status = http.StatusServiceUnavailable, "unavailable"
		}
	}
	return out, nil
}
