package wire

import (
	"time"

	"sdp/internal/sdp"
)

// Look is one look at all watched branches. Nodes get their questions from the server and give it the answers: neither goes
// through Temporal. First are the nodes that ask one question for each owner: credentials that the git server refuses there
// are not shown to it a second time, because it may lock the account. Rest are those with other questions.
type Look struct {
	ID     string   `json:"id"`     // the operation the credentials are sealed for
	Ticket []byte   `json:"ticket"` // the server's, by which it knows that it began the look, and when
	First  []string `json:"first"`
	Rest   []string `json:"rest"`
}

// LookInput has a node ask its questions of one of the two kinds.
type LookInput struct {
	ID     string `json:"id"`
	Ticket []byte `json:"ticket"`
	Node   string `json:"node"`
	Rest   bool   `json:"rest,omitempty"`
}

// MissedLook is why a node did not ask its questions.
type MissedLook struct {
	LookInput
	Failure sdp.Failure `json:"failure"`
}

// MaxWatchAsks is how many questions, or answers, a page has at most.
const MaxWatchAsks = 200

// AsksRequest asks for a page of questions.
type AsksRequest struct {
	LookInput
	After string `json:"after,omitempty"` // AsksPage.Next of the page before
}

// AsksPage is a page of questions.
type AsksPage struct {
	Speaks Versions   `json:"speaks"`
	Asks   []WatchAsk `json:"asks"`
	Next   string     `json:"next,omitempty"` // "" = it is the last
}

// AnswersReport gives the answers to a page of questions.
type AnswersReport struct {
	LookInput
	Answers []WatchAnswer `json:"answers"`
}

// TrackRound is a look that began when questions and answers still went through Temporal.
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

// Key orders questions by owner and repository.
func (a WatchAsk) Key() string { return a.Owner + "\x00" + a.Repository }

// Failed is the answer to a question that could not be asked.
func (a WatchAsk) Failed(f sdp.Failure) WatchAnswer {
	return WatchAnswer{Owner: a.Owner, StoredAt: a.StoredAt, Repository: a.Repository, Failure: &f}
}

// Key is that of the question.
func (a WatchAnswer) Key() string { return WatchAsk{Owner: a.Owner, Repository: a.Repository}.Key() }

// Refused reports whether the git server refused the credentials.
func (a WatchAnswer) Refused() bool { return a.Failure != nil && a.Failure.Kind == sdp.Unauthenticated }
