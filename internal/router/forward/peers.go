package forward

import (
	"context"
	"errors"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	peerTimeout  = 2 * time.Second // of a dial to another node's router: one packet may get lost
	trialTimeout = time.Second     // there is other evidence that it cannot be reached
	trialEvery   = 500 * time.Millisecond
	forgetAfter  = time.Minute // without a request to a peer, nobody tries to reach it any more
	// The kernel doubles the time between retransmissions, from 200 ms: these are after 0.6 s and 3 s without a sign of life.
	lossesSuspect = 2
	lossesDead    = 4
)

// PeerKeepAlive has the kernel find out within 5 s that the other router of a connection is gone, in both of them: a request
// that nobody waits for any more would keep its target from being drained.
var PeerKeepAlive = net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3}

// Unreachable is the error of a request to a router of another node that cannot be connected to. Nothing of it was sent.
type Unreachable struct {
	Since time.Time
	Err   error // of the last dial
}

// Error says what the last dial came to.
func (u *Unreachable) Error() string { return u.Err.Error() }

// Unwrap returns the error of the last dial.
func (u *Unreachable) Unwrap() error { return u.Err }

// peers is a circuit breaker for each router of another node. A dial that fails opens it: requests to that router fail at
// once, without each of them waiting for a dial of its own, while one trial after the other is made in the background. The
// first that succeeds closes it. However slow a router's answers are, only dials count.
type peers struct {
	life context.Context
	end  context.CancelFunc

	mu       sync.Mutex
	suspects map[string]*suspect // by address
	trials   sync.WaitGroup
}

// suspect is a router that may not be reachable; trials are under way.
type suspect struct {
	broken *Unreachable // nil: no dial has failed yet
	asked  time.Time    // when a request was last for it
}

func newPeers() *peers {
	ps := &peers{suspects: map[string]*suspect{}}
	ps.life, ps.end = context.WithCancel(context.Background())
	return ps
}

// check returns the error of a request to a router that cannot be reached.
func (ps *peers) check(address string) error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	s := ps.suspects[address]
	if s == nil {
		return nil
	}
	s.asked = time.Now()
	if s.broken == nil {
		return nil
	}
	return s.broken
}

// dial connects to a router.
func (ps *peers) dial(ctx context.Context, address string) (net.Conn, error) {
	if err := ps.check(address); err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: peerTimeout, KeepAliveConfig: PeerKeepAlive}
	conn, err := d.DialContext(ctx, "tcp", address)
	switch {
	case err == nil || answers(err):
		return conn, err
	case ctx.Err() != nil: // the client has left, perhaps because this took too long
		ps.suspect(address)
		return nil, err
	}
	ps.suspect(address)
	return nil, ps.failed(address, err)
}

// answers reports whether a failed dial says all the same that the other machine can be reached.
func answers(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// suspect has trials made of a router until one succeeds.
func (ps *peers) suspect(address string) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.suspects[address] == nil && ps.life.Err() == nil {
		ps.suspects[address] = &suspect{asked: time.Now()}
		ps.trials.Go(func() { ps.try(address) })
	}
}

// failed notes that a dial failed.
func (ps *peers) failed(address string, err error) *Unreachable {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	u := &Unreachable{time.Now(), err}
	if s := ps.suspects[address]; s != nil {
		if s.broken != nil {
			u.Since = s.broken.Since
		}
		s.broken = u
	}
	return u
}

// try makes trials until one succeeds, nobody has asked for a while, or the router ends.
func (ps *peers) try(address string) {
	d := net.Dialer{Timeout: trialTimeout}
	for {
		conn, err := d.DialContext(ps.life, "tcp", address)
		if err == nil {
			conn.Close()
		}
		if ps.settled(address, err) {
			return
		}
		_ = ps.failed(address, err)
		select {
		case <-ps.life.Done():
		case <-time.After(trialEvery):
		}
	}
}

// settled reports whether no more trials are needed after one that ended with err, and forgets the router then.
func (ps *peers) settled(address string, err error) bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	over := err == nil || answers(err) || ps.life.Err() != nil || time.Since(ps.suspects[address].asked) > forgetAfter
	if over {
		delete(ps.suspects, address)
	}
	return over
}

// close ends all trials.
func (ps *peers) close() {
	ps.mu.Lock()
	ps.end()
	ps.mu.Unlock()
	ps.trials.Wait()
}

// closeDead makes what uses a connection fail if nothing that was sent on it has been acknowledged for some seconds: the kernel
// would go on for a quarter of an hour. The option TCP_USER_TIMEOUT would end, too, what waits for a slow reader.
func (p *Pool) closeDead() {
	if p.peers == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		losses := c.losses()
		if losses < lossesSuspect {
			continue
		}
		p.peers.suspect(c.address)
		if losses >= lossesDead || p.peers.check(c.address) != nil {
			_ = c.SetDeadline(time.Unix(1, 0)) // who reads or writes closes it
		}
	}
}

// losses is how often in a row the kernel has sent again what is not acknowledged.
func (c *poolConn) losses() (n uint8) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	_ = raw.Control(func(fd uintptr) { // fails for a closed connection
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			n = info.Retransmits
		}
	})
	return n
}
