package api

import "time"

// Attention is something about a sandbox that somebody should know, and what to do about it.
type Attention struct {
	Service string `json:"service,omitempty"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
	Remedy  string `json:"remedy"`
}

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
