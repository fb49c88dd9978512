package forward

import (
	"context"
	"sync"
)

// dials lets all dials to a container be given up at once. To an address that nobody has they would take seconds.
type dials struct {
	mu   sync.Mutex
	life context.Context
	stop context.CancelFunc
}

// begin returns the context for a dial; done must be called after it.
func (d *dials) begin(ctx context.Context) (dial context.Context, done func()) {
	d.mu.Lock()
	if d.life == nil {
		d.life, d.stop = context.WithCancel(context.Background())
	}
	life := d.life
	d.mu.Unlock()
	dial, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(life, cancel)
	return dial, func() {
		stop()
		cancel()
	}
}

// end makes the dials under way fail, and those that begin before allow: a request may have chosen its target just before.
func (d *dials) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life == nil {
		d.life, d.stop = context.WithCancel(context.Background())
	}
	d.stop()
}

// allow lets dials begin again.
func (d *dials) allow() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.life != nil && d.life.Err() != nil {
		d.life, d.stop = nil, nil
	}
}
