package logs

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"sdp/internal/pause"
)

const (
	shipEvery    = 30 * time.Millisecond // between requests for one stream: what comes meanwhile goes together
	shipAtOnce   = 16                    // requests in flight at most
	shipBytes    = 256 << 10             // bytes in one request at most
	shipTimeout  = 20 * time.Second      // for one request
	rescanEvery  = 5 * time.Second       // how often to look for what a signal may have missed, and for what to delete
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = 2 * time.Second  // while the server does not answer
	maxRefused   = 30 * time.Second // while it answers that it will not take the stream
)

// DefaultRetention is how long a delivered stream stays on the node unless Target says otherwise.
const DefaultRetention = time.Hour

// Target says where a Shipper ships to.
type Target struct {
	URL    string        // of the server, such as "https://sdp.example:7700"
	Node   string        // whose logs these are
	Token  func() string // the node's bearer token, asked for with each request
	Client *http.Client  // nil = one with the system's certificates
	// Retention is how long a stream is kept in the spool after the server has all of it; 0 means DefaultRetention.
	Retention time.Duration
}

// Shipper sends what is new in a spool to the server. Each stream is sent in order, streams beside each other.
type Shipper struct {
	spool  *Spool
	target Target
	slots  chan struct{}
	ships  sync.WaitGroup
	down   atomic.Bool // the server did not answer last time; said once, not once per stream
}

// NewShipper returns a Shipper; Run makes it work. A spool has one Shipper.
func NewShipper(spool *Spool, t Target) *Shipper {
	if t.Client == nil {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.MaxIdleConnsPerHost = shipAtOnce
		t.Client = &http.Client{Transport: transport}
	}
	if t.Retention <= 0 {
		t.Retention = DefaultRetention
	}
	return &Shipper{spool: spool, target: t, slots: make(chan struct{}, shipAtOnce)}
}

// Run ships until ctx is done, and returns nil then. A server that is away is waited for; nothing is lost meanwhile.
func (s *Shipper) Run(ctx context.Context) error {
	defer s.stop()
	rescan := time.NewTicker(min(rescanEvery, max(s.target.Retention/2, time.Millisecond)))
	defer rescan.Stop()
	for {
		for _, e := range s.spool.dequeue() {
			if e.claim() {
				s.ships.Go(func() { s.ship(ctx, e) })
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.spool.wake:
		case <-rescan.C:
			s.rescan()
		}
	}
}

// stop waits for what is under way and saves how far it got.
func (s *Shipper) stop() {
	s.ships.Wait()
	for _, e := range s.spool.all() {
		e.saveProgress(true)
	}
}

func (s *Shipper) rescan() {
	for _, e := range s.spool.all() {
		e.saveProgress(false)
	}
	if err := s.spool.prune(time.Now(), s.target.Retention); err != nil {
		slog.Warn("Log spool was not cleaned", "error", err)
	}
}

// ship sends one stream until the server has all of it.
func (s *Shipper) ship(ctx context.Context, e *entry) {
	file := &reader{path: e.path(".log")}
	defer file.close()
	var wait time.Duration
	for {
		if pause.For(ctx, max(wait, e.pace())) != nil {
			e.park()
			return
		}
		part, more := e.next(shipBytes)
		if !more {
			return
		}
		answer, err := s.send(ctx, file, part)
		if err == nil {
			err = e.confirm(part, answer)
		}
		wait = s.report(ctx, e, err, wait)
	}
}

// send does one request, when there is a slot for it.
func (s *Shipper) send(ctx context.Context, file *reader, p part) (answer, error) {
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	defer func() { <-s.slots }()
	data, err := file.read(p)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, shipTimeout)
	defer cancel()
	return s.target.post(ctx, p, data)
}

// report logs the beginning and the end of trouble, and returns how long to wait before the next try.
func (s *Shipper) report(ctx context.Context, e *entry, err error, waited time.Duration) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	if err == nil {
		if s.down.CompareAndSwap(true, false) {
			slog.Info("Log shipping resumed", "server", s.target.URL)
		}
		return 0
	}
	limit := maxBackoff
	if refused(err) {
		limit = maxRefused
	}
	var away *url.Error // no answer at all
	if !errors.As(err, &away) && waited == 0 {
		slog.Warn("Log stream was not taken", "stream", e.name, "error", err)
	} else if away != nil && s.down.CompareAndSwap(false, true) {
		slog.Warn("Log shipping stopped", "server", s.target.URL, "error", err)
	}
	wait := min(max(2*waited, firstBackoff), limit)
	return wait/2 + rand.N(wait/2+1) // so that streams do not all come back at the same moment
}
