package api

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

const (
	idempotencyHeader = "Idempotency-Key"
	maxKey            = 200
)

// idempotent runs next at most once per key and user, and gives later requests the first answer. Only successes are
// kept: a refused request may be sent again once its reason has gone.
func (s *Server) idempotent(c *gin.Context, next func()) {
	key := c.GetHeader(idempotencyHeader)
	session := infoOf(c.Request.Context()).session
	if key == "" || session.ID == "" {
		next()
		return
	}
	if len(key) > maxKey || clean(key, maxKey) != key {
		s.fail(c, sdp.Errorf(sdp.Invalid, "bad-idempotency-key", "the Idempotency-Key is not valid").
			WithRemedy("use up to %d printable characters", maxKey))
		return
	}
	fingerprint, err := s.fingerprint(c)
	if err != nil {
		s.fail(c, err)
		return
	}
	stored, err := s.db.ClaimKey(c.Request.Context(), session.User, key, fingerprint)
	if err != nil {
		s.fail(c, reusedKey(err))
		return
	}
	if stored != nil {
		replay(c, stored)
		return
	}
	s.once(c, session.User, key, next)
}

func (s *Server) once(c *gin.Context, user, key string, next func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), time.Minute)
	defer cancel()
	kept := false
	defer func() {
		if !kept { // also after a panic
			if err := s.db.ReleaseKey(ctx, user, key); err != nil {
				s.log.ErrorContext(ctx, "Idempotency key was not released", "error", err)
			}
		}
	}()
	next()
	held, ok := c.Writer.(*heldAnswer)
	if !ok || held.status >= http.StatusBadRequest {
		return
	}
	err := s.db.StoreResponse(ctx, user, key, postgres.StoredResponse{
		Status: held.status, Body: bytes.Clone(held.body.Bytes()), Header: keptHeader(held.Header()),
	})
	if err != nil {
		s.log.ErrorContext(ctx, "Answer was not stored for its idempotency key", "error", err)
	}
	kept = err == nil
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
	infoOf(c.Request.Context()).replay = true
	for name, values := range stored.Header {
		c.Writer.Header()[name] = values
	}
	c.Header("Idempotent-Replayed", "true")
	c.Status(stored.Status)
	_, _ = c.Writer.Write(stored.Body) // held back: cannot fail
}

// fingerprint identifies the request without keeping it: a keyed hash, because bodies hold secrets that a plain hash
// would let a reader of the database guess.
func (s *Server) fingerprint(c *gin.Context) (string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return "", withStatus(http.StatusRequestEntityTooLarge,
			sdp.Errorf(sdp.Invalid, "too-large", "the body is larger than %d bytes", maxBody).WithRemedy("send less at once"))
	}
	if err != nil {
		return "", withStatus(http.StatusRequestTimeout, sdp.Errorf(sdp.Invalid, "slow-body", "the body did not arrive in time"))
	}
	c.Request.Body = io.NopCloser(bytes.NewReader(body))
	mac := hmac.New(sha256.New, []byte(s.cfg.Keys.NodeToken("/idempotency"))) // no node can have that name
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
	return withStatus(http.StatusUnprocessableEntity, e)
}
