package apiclient

import (
	"context"
	"net/url"
	"reflect"
	"sync"
	"time"

	"sdp/api/rest"
	"sdp/internal/pause"
)

const (
	pollEvery = 3 * time.Second       // in case an event was lost
	pace      = 20 * time.Millisecond // between two looks, however many events arrive
)

// WaitDeployment waits until the deployment settles and returns it; seen is called with each change (nil = not
// called). A deployment that failed is not an error: look at its State and Failure.
func (c *Client) WaitDeployment(ctx context.Context, id string, seen func(rest.Deployment)) (rest.Deployment, error) {
	w := waiter[rest.Deployment]{
		client: c, seen: seen,
		look:  func(ctx context.Context) (rest.Deployment, error) { return c.Deployment(ctx, id) },
		state: func(d rest.Deployment) (string, bool) { return d.Sandbox, d.Settled },
	}
	return w.run(ctx)
}

// WaitOperation waits until the operation ends and returns it; seen as in WaitDeployment.
func (c *Client) WaitOperation(ctx context.Context, id string, seen func(rest.Operation)) (rest.Operation, error) {
	w := waiter[rest.Operation]{
		client: c, seen: seen,
		look:  func(ctx context.Context) (rest.Operation, error) { return c.Operation(ctx, id) },
		state: func(o rest.Operation) (string, bool) { return o.Sandbox, !o.FinishedAt.IsZero() },
	}
	return w.run(ctx)
}

// waiter looks at a thing, and again whenever its sandbox has news, until it is done. The server may restart
// meanwhile.
type waiter[T any] struct {
	client *Client
	seen   func(T)
	look   func(context.Context) (T, error)
	state  func(T) (sandbox string, done bool)
	last   T
}

func (w *waiter[T]) run(ctx context.Context) (T, error) {
	var err error
	if w.last, err = w.look(ctx); err != nil {
		return w.last, err // the first look tells whether there is such a thing, and a server
	}
	w.show()
	sandbox, done := w.state(w.last)
	if done {
		return w.last, nil
	}
	ctx, cancel := context.WithCancel(ctx)
	news := make(chan struct{}, 1)
	var listening sync.WaitGroup
	listening.Go(func() { w.client.listen(ctx, sandbox, news) })
	defer func() { cancel(); listening.Wait() }()
	away := outage{}
	for !done {
		if err := nextLook(ctx, news); err != nil {
			return w.last, err
		}
		if done, err = w.again(ctx); err == nil {
			away = outage{}
		} else if err := away.pause(ctx, err); err != nil {
			return w.last, err
		}
	}
	return w.last, nil
}

// again looks once more and shows what has changed.
func (w *waiter[T]) again(ctx context.Context) (done bool, err error) {
	now, err := w.look(ctx)
	if err != nil {
		return false, err
	}
	changed := !reflect.DeepEqual(now, w.last)
	w.last = now
	if changed {
		w.show()
	}
	_, done = w.state(now)
	return done, nil
}

func (w *waiter[T]) show() {
	if w.seen != nil {
		w.seen(w.last)
	}
}

func nextLook(ctx context.Context, news <-chan struct{}) error {
	if err := pause.For(ctx, pace); err != nil {
		return err
	}
	poll := time.NewTimer(pollEvery)
	defer poll.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-news:
	case <-poll.C:
	}
	return nil
}

// listen signals whenever a sandbox has news, and whenever it is connected again, until ctx ends. Without a connection
// it is quiet: the caller looks from time to time anyway.
func (c *Client) listen(ctx context.Context, sandbox string, news chan<- struct{}) {
	signal := func() {
		select {
		case news <- struct{}{}:
		default: // one is pending
		}
	}
	away := outage{}
	for {
		connected, err := c.events(ctx, sandbox, signal)
		if connected {
			away = outage{}
		}
		if away.pause(ctx, err) != nil {
			return
		}
	}
}

func (c *Client) events(ctx context.Context, sandbox string, signal func()) (connected bool, err error) {
	conn, err := c.dial(ctx, "/events", url.Values{"sandbox": {sandbox}})
	if err != nil {
		return false, err
	}
	defer conn.CloseNow()
	signal() // what happened before the connection stood
	for {
		var e rest.Event
		if err := readMessage(ctx, conn, &e); err != nil {
			return true, err
		}
		signal()
	}
}
