package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"sdp/api/live"
	"sdp/api/problem"
	"sdp/internal/sdp"
)

// webSocket refuses what is no WebSocket handshake of this site before the handler looks anything up.
func (s *Server) webSocket(hc huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(hc)
	if err := s.checkOrigin(c.Request); err != nil {
		s.fail(c, err)
		return
	}
	if !strings.EqualFold(c.GetHeader("Upgrade"), "websocket") {
		s.fail(c, problem.WithStatus(http.StatusUpgradeRequired,
			sdp.Errorf(sdp.Invalid, "not-a-websocket", "this address speaks WebSocket").
				WithRemedy("connect with ws:// or wss://; the address without /stream is a plain download"),
			"Upgrade", "websocket"))
		return
	}
	next(hc)
}

// socket sends over a WebSocket until the session is over.
func (s *Server) socket(send func(context.Context, *live.Conn) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hc huma.Context) {
		c := humagin.Unwrap(hc)
		session := sessionOf(c.Request.Context())
		over := func(ctx context.Context) bool {
			revoked, err := s.db.SessionRevoked(ctx, session.ID)
			return err == nil && revoked || time.Now().After(session.ExpiresAt)
		}
		// checkOrigin has accepted the origin, by rules that include publicURL.
		if err := s.streams.Serve(c.Writer, c.Request, over, send); err != nil {
			s.fail(c, sdp.Errorf(sdp.Unavailable, "shutting-down", "the server is stopping").WithRemedy("connect again in a moment"))
		}
	}}
}

type followInput struct {
	ID     string `path:"id"`
	Offset int64  `query:"offset" minimum:"0" doc:"first byte wanted: next of the last frame that arrived"`
}

type followServiceInput struct {
	Name    string `path:"name"`
	Service string `path:"service"`
	Offset  int64  `query:"offset" minimum:"0" doc:"first byte wanted: next of the last frame that arrived"`
}

func (s *Server) followLog(ctx context.Context, in *followInput) (*huma.StreamResponse, error) {
	d, err := s.control.Deployment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.follow(deploymentLog(d), in.Offset, true), nil
}

func (s *Server) followServiceLog(ctx context.Context, in *followServiceInput) (*huma.StreamResponse, error) {
	source, err := s.serviceLog(ctx, in.Name, in.Service)
	if err != nil {
		return nil, err
	}
	return s.follow(source, in.Offset, false), nil
}

// follow sends a log as it grows. It ends with its deployment, or not, as a container's.
func (s *Server) follow(source logSource, offset int64, ends bool) *huma.StreamResponse {
	log := live.Log{DB: s.db, Hub: s.cfg.Hub, Now: s.cfg.Now, Stream: source.stream, Deployment: source.deployment,
		Offset: offset, Ends: ends}
	return s.socket(log.Send)
}
