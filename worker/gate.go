package worker

import (
	"context"
	"sync"
)

// gate holds work back until it is opened, and again once it is shut.
type gate struct {
	mu     sync.Mutex
	opened chan struct{} // closed while open
	closed chan struct{} // closed while shut
}

func newGate() *gate {
	g := &gate{opened: make(chan struct{}), closed: make(chan struct{})}
	close(g.closed)
	return g
}

func (g *gate) open() { g.turn(&g.opened, &g.closed) }
func (g *gate) shut() { g.turn(&g.closed, &g.opened) }

// turn closes one channel and makes the other anew, unless that is so already.
func (g *gate) turn(to, from *chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-*to:
	default:
		close(*to)
		*from = make(chan struct{})
	}
}

// wait blocks until the gate is open or ctx ends. The context it returns ends when the gate is shut; done releases it.
func (g *gate) wait(ctx context.Context) (open context.Context, done context.CancelFunc) {
	for {
		g.mu.Lock()
		opened, closed := g.opened, g.closed
		g.mu.Unlock()
		select {
		case <-opened:
		case <-ctx.Done():
			return context.WithCancel(ctx)
		}
		select {
		case <-closed: // shut since
			continue
		default:
		}
		open, cancel := context.WithCancel(ctx)
		go func() {
			select {
			case <-closed:
				cancel()
			case <-open.Done():
			}
		}()
		return open, cancel
	}
}
