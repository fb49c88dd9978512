package forward

import (
	"io"
	"net"
	"sync"
	"time"
)

// BufferSize is how much is copied at once, and Buffers the buffers for it, *[BufferSize]byte.
const BufferSize = 32 << 10

// Buffers, see BufferSize.
var Buffers = sync.Pool{New: func() any { return new([BufferSize]byte) }}

// lingering is how long one side of an upgraded connection may still send after the other has ended. Clients of
// protocols other than WebSocket may wait for ever once they have said all (`docker attach` without input does).
const lingering = 15 * time.Second

// Upgraded is the body of a response that has switched protocols: the connection itself.
type Upgraded struct {
	io.ReadWriteCloser
	conn net.Conn
}

// Tunnel joins a client and a target that speak a protocol the router does not look at, until both sides are done. The end
// of one direction is passed on, not taken for the end of the other. fromClient is client, after what was read ahead of it;
// brief says that the protocol has no use for a connection that is open in one direction.
func Tunnel(client net.Conn, fromClient io.Reader, target *Upgraded, brief bool) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if relay(target, fromClient) != nil || !closeWrite(target.conn) {
			target.Close()
		} else if brief {
			target.conn.SetReadDeadline(time.Now().Add(lingering))
		}
	}()
	if relay(client, target) != nil || !closeWrite(client) {
		client.Close()
	}
	client.SetReadDeadline(time.Now().Add(lingering))
	<-done
	target.Close()
}

func closeWrite(c net.Conn) bool {
	half, ok := c.(interface{ CloseWrite() error })
	return ok && half.CloseWrite() == nil
}

// relay copies until src ends (nil) or either side fails.
func relay(dst io.Writer, src io.Reader) error {
	buffer := Buffers.Get().(*[BufferSize]byte)
	defer Buffers.Put(buffer)
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
