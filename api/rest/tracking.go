package rest

import (
	"time"

	"sdp/internal/sdp"
)

// TrackingCredential says what is known of the git credentials a user stored to have branches watched. The credentials
// themselves are never shown.
type TrackingCredential struct {
	User      string    `json:"user"`
	Stored    bool      `json:"stored"`
	What      string    `json:"what" doc:"what is stored, or would be, and what it is used for"`
	StoredAt  time.Time `json:"storedAt,omitzero"`
	CheckedAt time.Time `json:"checkedAt,omitzero" doc:"when the git server last accepted or refused them"`
	Problem   string    `json:"problem,omitempty" doc:"why they are not used any more; sign in again and store them anew"`
	Every     string    `json:"every" doc:"how often branches are looked at; empty = this installation watches none"`
}

// Track is the body of PUT /sandboxes/{name}/services/{service}/track.
type Track struct {
	Track bool `json:"track" doc:"deploy the service again whenever its branch moves"`
}

// TrackedService is a service whose branch is watched.
type TrackedService struct {
	Sandbox    string    `json:"sandbox"`
	Service    string    `json:"service"`
	Owner      string    `json:"owner" doc:"of the sandbox: the branch is watched with the credentials they stored"`
	Branch     string    `json:"branch"`
	Track      bool      `json:"track" doc:"deployed again whenever the branch moves; else it is only marked when the branch is gone"`
	Watched    bool      `json:"watched" doc:"whether the owner has stored credentials that work"`
	Idle       string    `json:"idle,omitempty" doc:"why it is not deployed when the branch moves"`
	Problem    string    `json:"problem,omitempty" doc:"why the branch could not be looked at"`
	BranchGone time.Time `json:"branchGone,omitzero" doc:"since when the git server has no such branch"`
	CheckedAt  time.Time `json:"checkedAt,omitzero" doc:"when the owner's credentials were last used"`
	Serving    string    `json:"serving,omitempty" doc:"commit that answers"`
	Latest     string    `json:"latest,omitempty" doc:"newest deployment"`
}

// whatIsStored says plainly what storing credentials means.
const whatIsStored = "the git user name and password of the session, encrypted with the installation's master key; they are " +
	"used to look at the branches of the user's sandboxes and to fetch what is tracked, until they are deleted or refused"

// FromCredential is the view of a user's stored credentials, or of there being none. Branches are looked at every so often;
// 0 = never.
func FromCredential(user string, c sdp.TrackingCredential, every time.Duration) TrackingCredential {
	return TrackingCredential{User: user, Stored: !c.StoredAt.IsZero(), What: whatIsStored, StoredAt: utc(c.StoredAt),
		CheckedAt: utc(c.CheckedAt), Problem: c.Problem, Every: interval(every)}
}

func interval(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

// FromTracked is the view of a service whose branch is watched.
func FromTracked(w sdp.Watched) TrackedService {
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
