package api

import (
	"context"
	"slices"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/secret"
)

// whatIsStored says plainly what storing credentials means.
const whatIsStored = "the git user name and password of the session, encrypted with the installation's master key; they are " +
	"used to look at the branches of the user's sandboxes and to fetch what is tracked, until they are deleted or refused"

// storeCredential keeps the credentials of the caller's session, so that branches can be watched when it has ended.
func (s *Server) storeCredential(ctx context.Context, _ *none) (*body[TrackingCredential], error) {
	session := sessionOf(ctx)
	plain, err := credentialsJSON(session)
	if err != nil {
		return nil, err
	}
	sealed, err := s.cfg.Keys.Seal(sdp.SecretPurpose, plain, sdp.TrackingContext(session.User))
	if err != nil {
		return nil, err
	}
	stored, err := s.db.StoreCredential(ctx, session.User, sealed)
	if err != nil {
		return nil, err
	}
	return &body[TrackingCredential]{s.viewCredential(session, stored)}, nil
}

func (s *Server) showCredential(ctx context.Context, _ *none) (*body[TrackingCredential], error) {
	session := sessionOf(ctx)
	stored, err := s.db.Credentials(ctx, session.User)
	if err != nil {
		return nil, err
	}
	return &body[TrackingCredential]{s.viewCredential(session, stored[session.User].TrackingCredential)}, nil
}

func (s *Server) viewCredential(session secret.Session, c sdp.TrackingCredential) TrackingCredential {
	return TrackingCredential{User: session.User, Stored: !c.StoredAt.IsZero(), What: whatIsStored, StoredAt: utc(c.StoredAt),
		CheckedAt: utc(c.CheckedAt), Problem: c.Problem, Every: every(s.cfg.TrackEvery)}
}

func every(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func (s *Server) forgetCredential(ctx context.Context, _ *none) (*none, error) {
	return &none{}, s.db.ForgetCredential(ctx, sessionOf(ctx).User)
}

type listTrackedInput struct {
	Sandbox string `query:"sandbox" maxLength:"100"`
}

// listTracked lists the services whose branches are watched.
func (s *Server) listTracked(ctx context.Context, in *listTrackedInput) (*body[Page[TrackedService]], error) {
	watched, err := s.db.Watched(ctx)
	if err != nil {
		return nil, err
	}
	if in.Sandbox != "" {
		watched = slices.DeleteFunc(watched, func(w sdp.Watched) bool { return w.Sandbox != in.Sandbox })
	}
	return pageOf(watched, "", viewTracked), nil
}

func viewTracked(w sdp.Watched) TrackedService {
	out := TrackedService{Sandbox: w.Sandbox, Service: w.Service, Owner: w.Owner, Branch: w.Branch, Track: w.Track,
		Watched: w.Credential.Usable(), BranchGone: utc(w.BranchGone), CheckedAt: utc(w.Credential.CheckedAt),
		Serving: w.Serving, Latest: w.Latest}
	if w.Track {
		out.Idle = w.Idle()
	}
	if out.Watched {
		out.Problem = w.Problem
	}
	return out
}

type trackInput struct {
	Name    string `path:"name"`
	Service string `path:"service"`
	Body    Track
}

// track says whether a service follows its branch. The answer is the sandbox, whose attention tells if something is
// missing for that.
func (s *Server) track(ctx context.Context, in *trackInput) (*body[Sandbox], error) {
	_, service, err := s.service(ctx, serviceInput{in.Name, in.Service})
	if err != nil {
		return nil, err
	}
	infoOf(ctx).event.Branch = service.Branch
	infoOf(ctx).event.Detail = map[bool]string{true: "follows its branch", false: "does not follow its branch"}[in.Body.Track]
	if err := s.db.SetTrack(ctx, in.Name, in.Service, in.Body.Track); err != nil {
		return nil, err
	}
	return s.showSandbox(ctx, &sandboxInput{Name: in.Name})
}

func viewAttention(a sdp.Attention) Attention { return Attention(a) }
