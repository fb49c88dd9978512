package docker

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/events"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

// A daemon that comes back has given its containers other addresses, so it is asked often; it is on this machine.
const (
	firstReconnect = 100 * time.Millisecond
	lastReconnect  = time.Second
)

// Events returns what happens to this node's containers until ctx is done; the channel is closed then. It connects
// again by itself when the daemon goes away, and sends a Resync event each time it has connected, the first time too.
func (c *Client) Events(ctx context.Context) <-chan containers.Event {
	out := make(chan containers.Event)
	go func() {
		defer close(out)
		for pause := firstReconnect; ctx.Err() == nil; pause = min(2*pause, lastReconnect) {
			started := time.Now()
			err := c.events(ctx, out)
			if ctx.Err() != nil {
				return
			}
			if time.Since(started) > time.Minute {
				pause = firstReconnect
			}
			if pause == firstReconnect {
				slog.Warn("Lost Docker's events; connecting again", "node", c.node, "error", err)
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}()
	return out
}

// events passes events on until the connection ends. Asking for those since now leaves no gap between the connection
// and the Resync.
func (c *Client) events(ctx context.Context, out chan<- containers.Event) error {
	f := c.ownFilter()
	f.Add("label", sdp.LabelDeployment)
	f.Add("type", string(events.ContainerEventType))
	if _, err := c.api.Ping(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	messages, failed := c.api.Events(ctx, events.ListOptions{Filters: f, Since: strconv.FormatInt(time.Now().Unix(), 10)})
	next := containers.Event{Action: containers.Resync, At: time.Now()}
	for {
		select {
		case out <- next:
		case <-ctx.Done():
			return ctx.Err()
		}
		var err error
		if next, err = c.nextEvent(messages, failed); err != nil {
			return err
		}
	}
}

func (c *Client) nextEvent(messages <-chan events.Message, failed <-chan error) (containers.Event, error) {
	for {
		select {
		case m := <-messages:
			if c.ownsContainer(m.Actor.Attributes, m.Actor.Attributes["name"]) {
				return eventOf(m), nil
			}
		case err := <-failed:
			return containers.Event{}, err
		}
	}
}

func eventOf(m events.Message) containers.Event {
	labels := m.Actor.Attributes
	code, _ := strconv.Atoi(labels["exitCode"])
	return containers.Event{
		Action: string(m.Action), ID: m.Actor.ID, Name: labels["name"],
		Sandbox: labels[sdp.LabelSandbox], Service: labels[sdp.LabelService], Deployment: labels[sdp.LabelDeployment],
		ExitCode: code, At: time.Unix(0, m.TimeNano),
	}
}
