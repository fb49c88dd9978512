package apiclient

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"sdp/api/rest"
)

// EventFilter selects events; empty fields do not restrict.
type EventFilter struct {
	Sandbox, Service, Deployment, Type string
	Since                              time.Time
}

func (f EventFilter) query() url.Values {
	return values("sandbox", f.Sandbox, "service", f.Service, "deployment", f.Deployment, "type", f.Type, "since", moment(f.Since))
}

// Events lists what happened after an event, 0 or less = from the first on, oldest first.
func (c *Client) Events(ctx context.Context, f EventFilter, after int64) ([]rest.LifecycleEvent, error) {
	query := f.query()
	if after > 0 {
		query.Set("cursor", strconv.FormatInt(after, 10))
	}
	return all[rest.LifecycleEvent](ctx, c, "/events/past", query, 0)
}

// FollowEvents calls each for what happens after an event, -1 = from now on, until ctx ends or each returns an error. A lost
// connection is resumed where it broke, also after a restart of the server: nothing is missed, nothing comes twice.
func (c *Client) FollowEvents(ctx context.Context, f EventFilter, after int64, each func(rest.LifecycleEvent) error) error {
	away := outage{}
	for {
		err := c.readEvents(ctx, f, &after, &away, each)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := away.pause(ctx, err); err != nil {
			return err
		}
	}
}

func (c *Client) readEvents(ctx context.Context, f EventFilter, after *int64, away *outage,
	each func(rest.LifecycleEvent) error,
) error {
	query := f.query()
	query.Set("after", strconv.FormatInt(*after, 10))
	conn, err := c.dial(ctx, "/events/stream", query)
	if err != nil {
		return err
	}
	defer conn.CloseNow()
	for {
		var frame rest.EventFrame
		if err := readMessage(ctx, conn, &frame); err != nil {
			return err
		}
		*away = outage{} // it is there
		*after = frame.Next
		if frame.Event == nil {
			continue
		}
		if err := each(*frame.Event); err != nil {
			return &outputError{err}
		}
	}
}
