package transport

import (
	"bytes"
	"net/http"

	"github.com/gin-gonic/gin"
)

// HeldAnswer is a ResponseWriter that keeps the answer to itself until it is released, so that another can take its place.
type HeldAnswer struct {
	gin.ResponseWriter
	status int
	body   bytes.Buffer
}

// Hold keeps back what is answered from now on.
func Hold(c *gin.Context) *HeldAnswer {
	h := &HeldAnswer{ResponseWriter: c.Writer, status: http.StatusOK}
	c.Writer = h
	return h
}

func (h *HeldAnswer) WriteHeader(status int)               { h.status = status }
func (h *HeldAnswer) WriteHeaderNow()                      {}
func (h *HeldAnswer) Status() int                          { return h.status }
func (h *HeldAnswer) Size() int                            { return h.body.Len() }
func (h *HeldAnswer) Written() bool                        { return false } // it can still be replaced
func (h *HeldAnswer) Write(p []byte) (int, error)          { return h.body.Write(p) }
func (h *HeldAnswer) WriteString(text string) (int, error) { return h.body.WriteString(text) }

// Unwrap gives http.ResponseController what it needs.
func (h *HeldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// Body is what was answered so far. It is valid until the next Write.
func (h *HeldAnswer) Body() []byte { return h.body.Bytes() }

// Release sends the answer.
func (h *HeldAnswer) Release(c *gin.Context) {
	c.Writer = h.ResponseWriter
	c.Writer.WriteHeader(h.status)
	if h.body.Len() > 0 {
		_, _ = c.Writer.Write(h.body.Bytes()) // the caller is gone
	} else {
		c.Writer.WriteHeaderNow()
	}
}
