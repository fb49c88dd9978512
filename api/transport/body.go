package transport

import (
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"sdp/internal/sdp"
)

// BoundBody gives the request's body the time limit to arrive. That holds for a body nobody reads too: net/http reads
// what is left of it before it answers. Once the body is there net/http takes the deadline off, and so it does for the
// connection's next request and when a WebSocket takes the connection over.
func BoundBody(c *gin.Context, limit time.Duration) {
	if c.Request.Body == nil || c.Request.Body == http.NoBody {
		return
	}
	_ = http.NewResponseController(c.Writer).SetReadDeadline(time.Now().Add(limit)) // not supported by a test's recorder
}

// IsSlow reports whether reading a body failed because of its deadline.
func IsSlow(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// SlowBody is what is answered where IsSlow.
func SlowBody() *sdp.Error {
	return sdp.Errorf(sdp.Invalid, "slow-body", "the request's body did not arrive in time").
		WithRemedy("send it again; if that happens again, send less at once or find what slows the network down")
}
