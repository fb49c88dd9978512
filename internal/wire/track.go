package wire

import (
	"time"

	"sdp/internal/sdp"
)

// TrackRound is one look at all watched branches. First holds one question for each owner: credentials that the git
// server refuses there are not shown to it a second time, because it may lock the account.
type TrackRound struct {
	First []WatchInput `json:"first"`
	Rest  []WatchInput `json:"rest"`
}

// WatchInput asks a node where branches are. ID is the operation the credentials are sealed for.
type WatchInput struct {
	ID   string     `json:"id"`
	Node string     `json:"node"`
	Asks []WatchAsk `json:"asks"`
}

// WatchAsk is one request to a git server: the branches of a repository, read with one owner's credentials.
type WatchAsk struct {
	Owner       string        `json:"owner"`
	StoredAt    time.Time     `json:"storedAt"` // when the owner stored the credentials
	Repository  string        `json:"repository"`
	Branches    []string      `json:"branches"`
	Credentials sdp.SealedBox `json:"credentials"`
}

// WatchAnswer answers a WatchAsk.
type WatchAnswer struct {
	Owner      string            `json:"owner"`
	StoredAt   time.Time         `json:"storedAt"`
	Repository string            `json:"repository"`
	Heads      map[string]string `json:"heads"`   // commit by branch; "" = the git server has no such branch
	Failure    *sdp.Failure      `json:"failure"` // why there are no Heads
}

// Failed is the answer to a question that could not be asked.
func (a WatchAsk) Failed(f sdp.Failure) WatchAnswer {
	return WatchAnswer{Owner: a.Owner, StoredAt: a.StoredAt, Repository: a.Repository, Failure: &f}
}

// Refused reports whether the git server refused the credentials.
func (a WatchAnswer) Refused() bool { return a.Failure != nil && a.Failure.Kind == sdp.Unauthenticated }
