package router

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// link is a way to a server that can be cut: packets get lost then, nothing is refused.
type link struct {
	t       *testing.T
	ln      *net.TCPListener
	to      string
	accepts sync.WaitGroup
	mu      sync.Mutex
	conns   []net.Conn // carried by it, or in its way
}

// newLink returns a link to a server. It is cut.
func newLink(t *testing.T, to string) *link {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "link")
	defer f.Close()
	// A queue for a single connection: once it is full, the kernel answers no others.
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	ln, err := net.FileListener(f) // a listener of Go's own would have a longer queue
	if err != nil {
		t.Fatal(err)
	}
	l := &link{t: t, ln: ln.(*net.TCPListener), to: to}
	t.Cleanup(func() {
		l.ln.Close()
		l.accepts.Wait()
		l.closeConns()
	})
	l.fill()
	return l
}

func (l *link) address() string { return l.ln.Addr().String() }

func (l *link) keep(c ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns = append(l.conns, c...)
}

func (l *link) closeConns() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
	l.conns = nil
}

// mend makes the link carry connections.
func (l *link) mend() {
	l.ln.SetDeadline(time.Time{})
	l.accepts.Go(func() {
		for {
			from, err := l.ln.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", l.to)
			if err != nil {
				from.Close()
				continue
			}
			l.keep(from, to)
			go func() { defer to.Close(); _, _ = io.Copy(to, from) }()
			go func() { defer from.Close(); _, _ = io.Copy(from, to) }()
		}
	})
}

// cut ends the connections it carries, too.
func (l *link) cut() {
	l.t.Helper()
	l.ln.SetDeadline(time.Unix(1, 0))
	l.accepts.Wait()
	l.closeConns()
	l.fill()
}

// fill has connections wait in the queue until no other can.
func (l *link) fill() {
	l.t.Helper()
	for range 10 {
		c, err := net.DialTimeout("tcp", l.address(), 100*time.Millisecond)
		if err != nil {
			return
		}
		l.keep(c)
	}
	l.t.Fatal("the link is not cut")
}

// until asks until the answer is yes; what says what was the case until then.
func until(t *testing.T, what string, ask func() bool) {
	t.Helper()
	for give := time.Now().Add(10 * time.Second); !ask(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(give) {
			t.Fatal("for ten seconds " + what)
		}
	}
}

func TestNodeThatCannotBeReached(t *testing.T) {
	g1, m1 := twoNodes(t)
	l := newLink(t, m1.meshAddr())
	l.mend()
	port, c := freePort(t), newClient(t, "")
	account := on(m1, container("account", backend(t, says("fine")), sha1))
	account.Target.NodeAddress = l.address()
	table := onGateway(g1, tableOf(1, port, account, container("local", backend(t, says("here")), sha2)))
	g1.apply(table)
	m1.apply(table)
	get(t, c, at(port, "/")).want(t, 200, "fine")
	front := g1.front()

	l.cut()
	why := "node m1 at " + l.address() + " cannot be reached from node g1 since 20"
	get(t, c, front.url).want(t, 502, "node-unreachable").want(t, 502, why).wantHeader(t, "X-SDP-Route", "account=sandbox@111111111111")
	for len(front.dial) > 0 {
		<-front.dial
	}
	began := time.Now()
	get(t, c, front.url).want(t, 502, "node-unreachable")
	ask(t, c, "POST", front.url, strings.NewReader("body")).want(t, 502, "node-unreachable").want(t, 502, why)
	get(t, h2cClient(t), at(port, "/")).want(t, 502, "node-unreachable")
	if took := time.Since(began); len(front.dial) > 0 || took > time.Second {
		t.Errorf("three requests to a node known to be gone took %v and made %d dials", took, len(front.dial))
	}
	if why := statsOf(t, g1).Services["account"].Unanswered; !strings.Contains(why, "cannot be reached") {
		t.Errorf("unanswered %q", why)
	}

	l.mend()
	until(t, "the node was not asked again", func() bool {
		return get(t, c, at(port, "/")).status == 200
	})
}

// TestImpatientClients: a node is known to be gone even if every client leaves before a dial has failed.
func TestImpatientClients(t *testing.T) {
	g1, m1 := twoNodes(t)
	l := newLink(t, m1.meshAddr())
	port := freePort(t)
	account := on(m1, container("account", backend(t, says("fine")), sha1))
	account.Target.NodeAddress = l.address()
	table := onGateway(g1, tableOf(1, port, account))
	g1.apply(table)
	m1.apply(table)
	c := newClient(t, "")
	c.Timeout = 300 * time.Millisecond
	until(t, "no client had an answer", func() bool {
		a, err := tryAsk(c, "GET", at(port, "/"), nil)
		return err == nil && a.status == 502 && strings.Contains(a.body, "node-unreachable")
	})
	l.mend()
	until(t, "the node was not asked again", func() bool {
		a, err := tryAsk(c, "GET", at(port, "/"), nil)
		return err == nil && a.status == 200
	})
}
