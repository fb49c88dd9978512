package router

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// lingering is how long one side of an upgraded connection may still send after the other has ended. Clients of
// protocols other than WebSocket may wait for ever once they have said all (`docker attach` without input does).
const lingering = 15 * time.Second

// switchProtocols joins client and target once the target has accepted an upgrade. It returns when the connection is
// over, so that the exchange counts as in flight until then.
func (x *exchange) switchProtocols(res *http.Response) {
	target, ok := res.Body.(io.ReadWriteCloser)
	asked := x.upgrade()
	if !ok || asked == "" || !strings.EqualFold(asked, res.Header.Get("Upgrade")) {
		x.cut = true
		x.w.Header()[routeHeader] = x.route.header
		x.problem(http.StatusBadGateway, "bad-upgrade", "the target switched to a protocol nobody asked for", "")
		return
	}
	x.setResponseHeader(res)
	header := x.w.Header()
	header["Connection"] = []string{"Upgrade"}
	header["Upgrade"] = res.Header["Upgrade"]
	client, buffered, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone
	}
	defer client.Close()
	x.upgraded = true
	if writeHead(buffered.Writer, header) == nil {
		t := tunnel{client, buffered.Reader, target, x.conn, strings.EqualFold(asked, "websocket")}
		t.run()
	}
}

func writeHead(w *bufio.Writer, header http.Header) error {
	w.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	if err := header.Write(w); err != nil {
		return err
	}
	w.WriteString("\r\n")
	return w.Flush()
}

// tunnel joins a client and a target that speak a protocol the router does not look at.
type tunnel struct {
	client     net.Conn
	fromClient io.Reader // client, after what the server has read ahead
	target     io.ReadWriteCloser
	conn       net.Conn // below target
	brief      bool     // the protocol has no use for a connection that is open in one direction
}

// run copies both ways until both sides are done. The end of one direction is passed on, not taken for the end of the
// other.
func (t tunnel) run() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if relay(t.target, t.fromClient) != nil || !closeWrite(t.conn) {
			t.target.Close()
		} else if t.brief {
			t.conn.SetReadDeadline(time.Now().Add(lingering))
		}
	}()
	if relay(t.client, t.target) != nil || !closeWrite(t.client) {
		t.client.Close()
	}
	t.client.SetReadDeadline(time.Now().Add(lingering))
	<-done
	t.target.Close()
}

func closeWrite(c net.Conn) bool {
	half, ok := c.(interface{ CloseWrite() error })
	return ok && half.CloseWrite() == nil
}

// relay copies until src ends (nil) or either side fails.
func relay(dst io.Writer, src io.Reader) error {
	buffer := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buffer)
	for {
		n, err := src.Read(buffer[:])
		if n > 0 {
			if _, err := dst.Write(buffer[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
