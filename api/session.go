package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/workflows"
)

// sealFor is how long a node may open credentials sealed for an operation.
const sealFor = 2 * time.Hour

type loginInput struct {
	Origin string `header:"Origin" hidden:"true"` // of the page that asks; only browsers say it
	Body   Login
}

type sessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Session
}

// login proves the credentials with an ls-remote by the node that owns the configured repository.
func (s *Server) login(ctx context.Context, in *loginInput) (*sessionOutput, error) {
	info := infoOf(ctx)
	info.user = in.Body.User
	if err := s.logins.allow(in.Body.User, info.address); err != nil {
		return nil, err
	}
	password := secret.New(in.Body.Password)
	if err := s.verify(ctx, in.Body.User, password); err != nil {
		return nil, err
	}
	s.logins.succeeded(in.Body.User, info.address)
	token, session, err := s.cfg.Keys.IssueSession(in.Body.User, password, s.cfg.SessionTTL)
	if err != nil {
		return nil, err
	}
	out := &sessionOutput{SetCookie: s.cookie(token, int(s.cfg.SessionTTL.Seconds()))}
	out.Body = Session{User: session.User, ExpiresAt: session.ExpiresAt.UTC()}
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

func (s *Server) verify(ctx context.Context, user string, password secret.Value) error {
	repository, err := s.db.Repository(ctx, s.cfg.LoginRepository)
	if sdp.KindOf(err) == sdp.NotFound {
		return loginRepositoryMissing(sdp.Errorf(sdp.NotFound, "", "no node has repository %q", s.cfg.LoginRepository))
	}
	if err != nil {
		return err
	}
	node, err := s.readyNode(ctx, repository.Node)
	if err != nil {
		return err
	}
	id := sdp.NewID("l-")
	box, err := seal(node, id, secret.Session{User: user, Password: password}, s.cfg.Now())
	if err != nil {
		return err
	}
	err = s.cfg.Engine.VerifyLogin(ctx, workflows.LoginInput{
		ID: id, Node: node.Name, Repository: repository.Name, Credentials: box,
	})
	if sdp.KindOf(err) == sdp.NotFound {
		return loginRepositoryMissing(err)
	}
	return err
}

// loginRepositoryMissing tells a defect of the configuration from wrong credentials: nobody can sign in.
func loginRepositoryMissing(why error) error {
	return sdp.Errorf(sdp.Unavailable, "login-repository-missing", "nobody can sign in: %w", why).
		WithRemedy("an administrator sets login.repository of server.yaml to a repository that exists, " +
			"and starts its node's worker")
}

// seal puts a user's credentials into a box only the node can open, and only for one operation.
func seal(node sdp.Node, operation string, session secret.Session, now time.Time) (sdp.SealedBox, error) {
	plain, err := credentialsJSON(session)
	if err != nil {
		return sdp.SealedBox{}, err
	}
	return secret.SealTo(node.Name, node.KeyID, node.PublicKey, operation, now.Add(sealFor), plain)
}

// credentialsJSON is the form in which nodes read credentials.
func credentialsJSON(session secret.Session) ([]byte, error) {
	return json.Marshal(map[string]string{"user": session.User, "password": session.Password.Reveal()})
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

func (s *Server) showSession(ctx context.Context, _ *none) (*body[Session], error) {
	session := sessionOf(ctx)
	return &body[Session]{Session{User: session.User, ExpiresAt: session.ExpiresAt.UTC()}}, nil
}
