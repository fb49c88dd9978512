package idempotency_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"sdp/api/idempotency"
	"sdp/api/transport"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
)

type client struct {
	t    *testing.T
	keys *idempotency.Keys
	done int // how often something was done
}

func newClient(t *testing.T) *client {
	return &client{t: t, keys: &idempotency.Keys{
		DB: postgrestest.New(t), Secret: []byte("secret"), MaxBody: 100, Log: slog.New(slog.DiscardHandler),
	}}
}

// send sends a request that is answered with the status and how often something was done.
func (c *client) send(user, key, body string, status int) (*httptest.ResponseRecorder, error) {
	c.t.Helper()
	w := httptest.NewRecorder()
	ctx, _ := gin.CreateTestContext(w)
	ctx.Request = httptest.NewRequest(http.MethodPost, "/things", strings.NewReader(body))
	ctx.Request.Header.Set(idempotency.Header, key)
	held := transport.Hold(ctx)
	replayed, err := c.keys.Once(ctx, user, func() {
		c.done++
		ctx.JSON(status, c.done)
	}, nil)
	held.Release(ctx)
	if replayed != (w.Header().Get("Idempotent-Replayed") == "true") {
		c.t.Errorf("replayed %t, header %v", replayed, w.Header())
	}
	return w, err
}

func (c *client) want(user, key, body string, status int, answer string) {
	c.t.Helper()
	if w, err := c.send(user, key, body, status); err != nil || w.Code != status || w.Body.String() != answer {
		c.t.Errorf("%s of %s with %q: %d %s, %v", key, user, body, w.Code, w.Body, err)
	}
}

func TestOnce(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.want("ann", "k", "a", http.StatusCreated, "1")
	c.want("ann", "k", "a", http.StatusCreated, "1") // again
	c.want("bob", "k", "a", http.StatusCreated, "2") // keys are a user's own
	c.want("ann", "", "a", http.StatusCreated, "3")
	c.want("ann", "", "a", http.StatusCreated, "4") // without a key each counts
	c.want("ann", "refused", "a", http.StatusConflict, "5")
	c.want("ann", "refused", "a", http.StatusCreated, "6") // its reason has gone
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.want("ann", "k", "a", http.StatusCreated, "1")
	for key, refused := range map[string]struct{ body, code string }{
		"k":                      {"b", "idempotency-key-reused"},
		strings.Repeat("x", 201): {"a", "bad-idempotency-key"},
		"large":                  {strings.Repeat("x", 101), "too-large"},
	} {
		if _, err := c.send("ann", key, refused.body, http.StatusCreated); err == nil || sdp.AsError(err).Code != refused.code {
			t.Errorf("%.10s: %v, want %s", key, err, refused.code)
		}
	}
	if c.done != 1 {
		t.Errorf("done %d times", c.done)
	}
}
