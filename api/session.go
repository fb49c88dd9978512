package api

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"sdp/api/problem"
	"sdp/api/rest"
	"sdp/internal/sdp"
	"sdp/internal/secret"
)

type loginInput struct {
	Origin string `header:"Origin" hidden:"true"` // of the page that asks; only browsers say it
	Body   rest.Login
}

type sessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      rest.Session
}

func tooManyLogins(wait time.Duration) error {
	seconds := int(math.Ceil(wait.Seconds()))
	return problem.WithStatus(http.StatusTooManyRequests, sdp.Errorf(sdp.Exhausted, "too-many-logins", "too many attempts to sign in").
		WithRemedy("wait %d seconds", seconds), "Retry-After", strconv.Itoa(seconds))
}

// login proves the credentials with an ls-remote by the node that owns the configured repository.
func (s *Server) login(ctx context.Context, in *loginInput) (*sessionOutput, error) {
	info := infoOf(ctx)
	info.user = in.Body.User
	if wait := s.logins.Take(in.Body.User, info.address); wait > 0 {
		return nil, tooManyLogins(wait)
	}
	password := secret.New(in.Body.Password)
	if err := s.control.VerifyLogin(ctx, in.Body.User, password); err != nil {
		return nil, err
	}
	s.logins.Succeeded(in.Body.User, info.address)
	token, session, err := s.cfg.Keys.IssueSession(in.Body.User, password, s.cfg.SessionTTL)
	if err != nil {
		return nil, err
	}
	out := &sessionOutput{SetCookie: s.cookie(token, int(s.cfg.SessionTTL.Seconds()))}
	out.Body = rest.Session{User: session.User, ExpiresAt: session.ExpiresAt.UTC()}
	if in.Origin == "" { // a page has the cookie, which its scripts cannot read
		out.Body.Token = token
	}
	return out, nil
}

func (s *Server) cookie(token string, maxAge int) http.Cookie {
	return http.Cookie{
		Name: cookieName, Value: token, Path: "/", MaxAge: maxAge, HttpOnly: true,
		Secure: s.public.Scheme == "https", SameSite: http.SameSiteStrictMode,
	}
}

type logoutOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
}

func (s *Server) logout(ctx context.Context, _ *none) (*logoutOutput, error) {
	session := sessionOf(ctx)
	if err := s.db.RevokeSession(ctx, session.ID, session.ExpiresAt); err != nil {
		return nil, err
	}
	return &logoutOutput{SetCookie: s.cookie("", -1)}, nil
}

func (s *Server) showSession(ctx context.Context, _ *none) (*body[rest.Session], error) {
	session := sessionOf(ctx)
	return &body[rest.Session]{rest.Session{User: session.User, ExpiresAt: session.ExpiresAt.UTC()}}, nil
}
