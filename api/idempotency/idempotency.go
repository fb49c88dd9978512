// Package idempotency lets a client send a request again without doing anything twice: it names the request with an
// Idempotency-Key, and gets the first answer again.
package idempotency

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"sdp/api/problem"
	"sdp/api/transport"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// Header is the name of the header field with the key.
const Header = "Idempotency-Key"

const maxKey = 200 // characters

// replayedHeader says that nothing was done.
const replayedHeader = "Idempotent-Replayed"

// Keys remembers what was answered to a request with a key.
type Keys struct {
	DB      *postgres.DB
	Secret  []byte // of fingerprints
	MaxBody int64  // bytes a request may have
	Log     *slog.Logger
}

// Once runs next, which answers a user's request, at most once per key and user, and gives later requests the first answer:
// then it is replayed, and nothing was done. Only successes are kept: a refused request may be sent again once its reason
// has gone. The answer must be held back (transport.Hold).
//
// What next starts is noted in the transaction that starts it. If the server ends before the answer is stored, a later request
// is answered by again, which gets the IDs of what was started; nil if the request may be carried out twice.
func (k *Keys) Once(c *gin.Context, user string, next func(), again func(started []string) error) (replayed bool, err error) {
	key := c.GetHeader(Header)
	if key == "" {
		next()
		return false, nil
	}
	if len(key) > maxKey || sdp.Printable(key, maxKey) != key {
		return false, sdp.Errorf(sdp.Invalid, "bad-idempotency-key", "the Idempotency-Key is not valid").
			WithRemedy("use up to %d printable characters", maxKey)
	}
	fingerprint, err := k.fingerprint(c)
	if err != nil {
		return false, err
	}
	stored, err := k.DB.ClaimKey(c.Request.Context(), user, key, fingerprint)
	if err != nil {
		return false, reusedKey(err)
	}
	switch {
	case stored == nil:
		if again != nil {
			k.DB.NoteStarted(c.Request.Context(), user, key)
		}
		k.claimed(c, user, key, next)
		return false, nil
	case stored.Status != 0:
		replay(c, stored)
		return true, nil
	}
	c.Header(replayedHeader, "true")
	if err := again(stored.Started); err != nil {
		return true, err
	}
	return true, k.keep(c.Request.Context(), c, user, key)
}

// claimed runs next for a key that is this request's alone.
func (k *Keys) claimed(c *gin.Context, user, key string, next func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), time.Minute)
	defer cancel()
	kept := false
	defer func() {
		if !kept { // also after a panic
			if err := k.DB.ReleaseKey(ctx, user, key); err != nil {
				k.Log.ErrorContext(ctx, "Idempotency key was not released", "error", err)
			}
		}
	}()
	next()
	if c.Writer.Status() >= http.StatusBadRequest {
		return
	}
	err := k.keep(ctx, c, user, key)
	if err != nil {
		k.Log.ErrorContext(ctx, "Answer was not stored for its idempotency key", "error", err)
	}
	kept = err == nil
}

// keep stores what is answered.
func (k *Keys) keep(ctx context.Context, c *gin.Context, user, key string) error {
	held, ok := c.Writer.(*transport.HeldAnswer)
	if !ok {
		return nil
	}
	return k.DB.StoreResponse(ctx, user, key, postgres.StoredResponse{
		Status: held.Status(), Body: bytes.Clone(held.Body()), Header: keptHeader(held.Header()),
	})
}

func keptHeader(h http.Header) map[string][]string {
	kept := map[string][]string{}
	for _, name := range []string{"Content-Type", "Location"} {
		if values := h.Values(name); len(values) > 0 {
			kept[name] = values
		}
	}
	return kept
}

func replay(c *gin.Context, stored *postgres.StoredResponse) {
	for name, values := range stored.Header {
		c.Writer.Header()[name] = values
	}
	c.Header(replayedHeader, "true")
	c.Status(stored.Status)
	_, _ = c.Writer.Write(stored.Body) // held back: cannot fail
}

// fingerprint identifies the request without keeping it: a keyed hash, because bodies hold secrets that a plain hash
// would let a reader of the database guess.
func (k *Keys) fingerprint(c *gin.Context) (string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, k.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return "", problem.WithStatus(http.StatusRequestEntityTooLarge,
			sdp.Errorf(sdp.Invalid, "too-large", "the body is larger than %d bytes", k.MaxBody).WithRemedy("send less at once"))
	}
	if transport.IsSlow(err) {
		return "", problem.WithStatus(http.StatusRequestTimeout, transport.SlowBody())
	}
	if err != nil {
		return "", sdp.Errorf(sdp.Invalid, "broken-body", "the body ended too early").WithRemedy("send it again, whole")
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	mac := hmac.New(sha256.New, k.Secret)
	for _, part := range []string{c.Request.Method, c.Request.URL.Path, c.Request.URL.RawQuery, string(body)} {
		mac.Write([]byte(part))
		mac.Write([]byte{0})
	}
	return hex.EncodeToString(mac.Sum(nil)), nil
}

// reusedKey gives the one conflict that has a status of its own that status.
func reusedKey(err error) error {
	e := sdp.AsError(err)
	if e.Code != "idempotency-key-reused" {
		return err
	}
	return problem.WithStatus(http.StatusUnprocessableEntity, e)
}
