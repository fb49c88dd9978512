package secret

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// Session is a signed-in user. It lives in the token alone; the server stores nothing of it.
type Session struct {
	ID        string // what logout revokes
	User      string
	Password  Value
	ExpiresAt time.Time
}

// sessionToken is what is inside a token.
type sessionToken struct {
	ID       string `json:"i"`
	User     string `json:"u"`
	Password string `json:"p"`
	Expires  int64  `json:"e"` // Unix seconds
}

// maxSessionToken keeps a cookie with the token below the 4096 bytes browsers take (RFC 6265, 6.1).
const maxSessionToken = 3800

// IssueSession seals user and password into a token that is valid for ttl. The token is safe in a cookie and a header.
func (k *Keyring) IssueSession(user string, password Value, ttl time.Duration) (string, Session, error) {
	expires := time.Now().Add(ttl).UTC().Truncate(time.Second)
	s := Session{ID: sdp.NewID("s"), User: user, Password: password, ExpiresAt: expires}
	raw, err := json.Marshal(sessionToken{ID: s.ID, User: user, Password: password.Reveal(), Expires: expires.Unix()})
	if err != nil {
		return "", Session{}, err
	}
	sealed, err := k.Seal("session", raw, "")
	if err != nil {
		return "", Session{}, err
	}
	token := sessionTokenPrefix + base64.RawURLEncoding.EncodeToString(sealed)
	if len(token) > maxSessionToken {
		return "", Session{}, sdp.Errorf(sdp.Invalid, "credentials-too-long",
			"user name and password are too long for a session").
			WithRemedy("use a password or token of at most 2,000 characters")
	}
	return token, s, nil
}

// OpenSession returns the session in a token. The error is Unauthenticated: "session-expired", or "bad-session" for a
// token this server did not make.
func (k *Keyring) OpenSession(token string) (Session, error) {
	bad := sdp.Errorf(sdp.Unauthenticated, "bad-session", "the session is not valid").
		WithRemedy("sign in again: `sdp login`")
	encoded, ok := strings.CutPrefix(token, sessionTokenPrefix)
	if !ok {
		return Session{}, bad
	}
	sealed, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return Session{}, bad
	}
	raw, err := k.Open("session", sealed, "")
	if err != nil {
		return Session{}, bad
	}
	var t sessionToken
	if err := json.Unmarshal(raw, &t); err != nil {
		return Session{}, bad
	}
	expires := time.Unix(t.Expires, 0).UTC()
	if !time.Now().Before(expires) {
		return Session{}, sdp.Errorf(sdp.Unauthenticated, "session-expired",
			"the session ended at %s", expires.Format(time.RFC3339)).
			WithRemedy("sign in again: `sdp login`")
	}
	return Session{ID: t.ID, User: t.User, Password: New(t.Password), ExpiresAt: expires}, nil
}
