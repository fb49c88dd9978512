package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"

	"sdp/internal/control"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

const cookieName = sdp.SessionCookie

// asUser lets signed-in users through: a browser by its cookie, everything else by a bearer token.
func (s *Server) asUser(hc huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(hc)
	session, err := s.authenticate(c.Request)
	if err != nil {
		s.fail(c, err)
		return
	}
	info := infoOf(c.Request.Context())
	info.session, info.user, info.call.Actor = session, session.User, control.Person(session)
	next(hc)
}

func (s *Server) authenticate(r *http.Request) (secret.Session, error) {
	token, found := bearer(r)
	if !found {
		cookie, err := r.Cookie(cookieName)
		if err != nil {
			return secret.Session{}, notSignedIn("you are not signed in")
		}
		token = cookie.Value
	}
	session, err := s.cfg.Keys.OpenSession(token)
	if err != nil {
		return secret.Session{}, err
	}
	revoked, err := s.db.SessionRevoked(r.Context(), session.ID)
	if err != nil {
		return secret.Session{}, err
	}
	if revoked {
		return secret.Session{}, notSignedIn("you have signed out")
	}
	return session, nil
}

func notSignedIn(detail string) error {
	return sdp.Errorf(sdp.Unauthenticated, "not-signed-in", "%s", detail).WithRemedy("sign in: `sdp login`")
}

func bearer(r *http.Request) (string, bool) {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), found && strings.EqualFold(scheme, "Bearer")
}

// asNode lets a node through that has the token of the name in the path.
func (s *Server) asNode(hc huma.Context, next func(huma.Context)) {
	c := humagin.Unwrap(hc)
	name := c.Param("node")
	token, _ := bearer(c.Request)
	issued, ok := s.cfg.Keys.CheckNodeToken(name, token)
	if sdp.CheckNodeName(name) != nil || !ok {
		s.fail(c, sdp.Errorf(sdp.Unauthenticated, "bad-node-token", "the token is not that of this node").
			WithRemedy("copy the node's token from the server to the file that server.tokenFile of its node.yaml names"))
		return
	}
	info := infoOf(c.Request.Context())
	info.user, info.tokenIssued = "node/"+name, issued
	if err := s.refuseRemoved(c.Request.Context(), name, issued); err != nil {
		s.fail(c, err)
		return
	}
	next(hc)
}

// refuseRemoved refuses a node that was removed and shows a token from before that. It asks again and again: the audit has it
// once.
func (s *Server) refuseRemoved(ctx context.Context, name string, issued time.Time) error {
	since, err := s.db.TokensSince(ctx, name)
	if err != nil || issued.UnixMilli() >= since.UnixMilli() {
		return err
	}
	refused := sdp.Errorf(sdp.Forbidden, wire.NodeRemoved, "node %s was removed at %s and its token is from before that", name,
		since.Local().Format("2006-01-02 15:04")).
		WithRemedy("an administrator who wants it back gives it a new token (`sdp node token %s` on the server) and restarts its worker; "+
			"else stop its worker and router and remove its containers", name)
	news, err := s.db.RefuseNode(ctx, name, refused.Detail)
	if err == nil && news {
		err = s.db.Audit(ctx, sdp.AuditEvent{User: "node/" + name, Action: sdp.AuditNodeRegister, Outcome: sdp.Refused,
			Detail: refused.Code + ": " + refused.Detail})
	}
	return errors.Join(refused, err)
}

// sessionOf returns the session of a route for users.
func sessionOf(ctx context.Context) secret.Session { return infoOf(ctx).session }

// checkOrigin refuses a WebSocket that another site's page opened with this browser's cookie. The same-origin policy
// does not cover WebSockets, and a handshake is a GET, which http.CrossOriginProtection lets through.
func (s *Server) checkOrigin(r *http.Request) error {
	origin := r.Header.Get("Origin")
	if origin == "" || origin == s.public.Scheme+"://"+s.public.Host {
		return nil
	}
	if _, host, _ := strings.Cut(origin, "://"); strings.EqualFold(host, r.Host) {
		return nil
	}
	return crossOrigin()
}

func crossOrigin() error {
	return sdp.Errorf(sdp.Forbidden, "cross-origin", "a page of another site sent this request").
		WithRemedy("use the dashboard at its own address, or a bearer token without a browser; " +
			"set publicURL if a proxy changes the address")
}
