package live

import (
	"context"
	"strings"
	"time"

	"sdp/api/rest"
	"sdp/internal/postgres"
)

// Events sends one reader what happens to deployments and operations.
type Events struct {
	DB     *postgres.DB
	Hub    *postgres.Hub
	After  int64 // the last event the reader has; below 0 = from now on
	Filter postgres.EventFilter
}

// Send says where the stream begins, and then sends until the reader leaves.
func (e *Events) Send(ctx context.Context, conn *Conn) (err error) {
	news, cancel := e.Hub.Subscribe("events")
	defer cancel()
	if e.After < 0 {
		if e.After, err = e.DB.LastEvent(ctx); err != nil {
			return err
		}
	}
	if err := conn.Send(ctx, rest.EventFrame{Next: e.After}); err != nil {
		return err
	}
	return e.send(ctx, conn, news)
}

// send sends what happens after the last event. The database is asked: what the hub says may be lost, and is only a reason
// to look.
func (e *Events) send(ctx context.Context, conn *Conn, news <-chan postgres.Event) error {
	const batch = 100
	slow := time.NewTicker(rescan)
	defer slow.Stop()
	for {
		events, err := e.DB.Events(ctx, e.After, e.Filter, batch)
		if err != nil {
			return err
		}
		for _, event := range events {
			e.After = event.Seq
			view := rest.FromEvent(event)
			if err := conn.Send(ctx, rest.EventFrame{Next: e.After, Event: &view}); err != nil {
				return err
			}
		}
		if len(events) == batch {
			continue
		}
		if err := awaitNews(ctx, news, slow.C); err != nil {
			return err
		}
	}
}

// trafficPace is how often a reader is told of new traffic at most: several nodes report on one sandbox.
const trafficPace = 2 * time.Second

// Changes tells a reader what has changed, so that it need not poll. Log bytes are no events.
type Changes struct {
	Hub   *postgres.Hub
	Topic string
}

// Send sends until the reader leaves. Traffic that comes too soon waits, so that the last numbers are told too.
func (c Changes) Send(ctx context.Context, conn *Conn) error {
	news, cancel := c.Hub.Subscribe(c.Topic)
	defer cancel()
	var told time.Time
	var waiting *postgres.Event
	var due <-chan time.Time
	for {
		var e postgres.Event
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-due:
			e, waiting, due = *waiting, nil, nil
			told = time.Now()
		case event, open := <-news:
			if !open {
				return ErrClosing
			}
			e = event
			if strings.HasPrefix(e.Topic, "traffic/") {
				if wait := trafficPace - time.Since(told); wait > 0 {
					if waiting == nil {
						due = time.After(wait)
					}
					waiting = &e
					continue
				}
				told = time.Now()
			}
		}
		if err := conn.Send(ctx, rest.Event{Topic: e.Topic, ID: e.ID, Sandbox: e.Sandbox}); err != nil {
			return err
		}
	}
}
