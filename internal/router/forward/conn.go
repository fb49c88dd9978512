package forward

import (
	"net"
	"sync"

	"golang.org/x/sys/unix"
)

// poolConn is a connection its pool knows of.
type poolConn struct {
	*net.TCPConn
	pool    *Pool
	address string // as it was dialled

	mu      sync.Mutex
	changed sync.Cond // of what follows
	reading bool      // Read waits for more
	closed  bool
	count   uint64 // bytes Read has returned
}

func newPoolConn(conn *net.TCPConn, p *Pool, address string) *poolConn {
	c := &poolConn{TCPConn: conn, pool: p, address: address}
	c.changed.L = &c.mu
	return c
}

// Read reads from the connection.
func (c *poolConn) Read(p []byte) (int, error) {
	c.note(true, 0)
	n, err := c.TCPConn.Read(p)
	c.note(false, n)
	return n, err
}

func (c *poolConn) note(reading bool, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reading = reading
	c.count += uint64(n)
	c.changed.Broadcast()
}

// received returns how many bytes Read has returned.
func (c *poolConn) received() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count
}

// Close closes the connection and takes it out of its pool.
func (c *poolConn) Close() error {
	c.pool.mu.Lock()
	delete(c.pool.conns, c)
	c.pool.mu.Unlock()
	c.mu.Lock()
	c.closed = true
	c.changed.Broadcast()
	c.mu.Unlock()
	return c.TCPConn.Close()
}

// silent waits until somebody who reads the connection all the time has come back for more, or has closed it, and reports
// whether nothing has come since: what was read is counted, and the kernel has received no more.
func (c *poolConn) silent() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.reading && !c.closed {
		c.changed.Wait()
	}
	raw, err := c.SyscallConn()
	if err != nil || c.closed {
		return false
	}
	var info *unix.TCPInfo
	var ask error
	err = raw.Control(func(fd uintptr) { info, ask = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	return err == nil && ask == nil && info.State == unix.BPF_TCP_ESTABLISHED && info.Bytes_received == c.count
}
