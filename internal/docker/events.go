package docker

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/docker/docker/api/types/events"

	"sdp/internal/sdp"
)

// Event is something that happened to a container of this node.
type Event struct {
	Action     string // Docker's: "start", "die", "oom", "destroy", "rename", ...; or Resync
	ID         string
	Name       string
	Sandbox    string
	Service    string
	Deployment string
	ExitCode   int // for "die"
	At         time.Time
}

// Resync is the action of an event that says: some may have been missed, look at everything.
const Resync = "resync"

// Events returns what happens to this node's containers until ctx is done; the channel is closed then. It connects
// again by itself when the daemon goes away, and sends a Resync event each time it has connected, the first time too.
func (c *Client) Events(ctx context.Context) <-chan Event {
	out := make(chan Event)
	go func() {
		defer close(out)
		for pause := 100 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 5*time.Second) {
			started := time.Now()
			err := c.events(ctx, out)
			if ctx.Err() != nil {
				return
			}
			slog.Warn("Lost Docker's events", "node", c.node, "error", err)
			if time.Since(started) > time.Minute {
				pause = 100 * time.Millisecond
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
func (c *Client) events(ctx context.Context, out chan<- Event) error {
	f := c.ownFilter()
	f.Add("label", sdp.LabelDeployment)
	f.Add("type", string(events.ContainerEventType))
	if _, err := c.api.Ping(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	messages, failed := c.api.Events(ctx, events.ListOptions{Filters: f, Since: strconv.FormatInt(time.Now().Unix(), 10)})
	next := Event{Action: Resync, At: time.Now()}
	for {
		select {
		case out <- next:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case m := <-messages:
			next = eventOf(m)
		case err := <-failed:
			return err
		}
	}
}

func eventOf(m events.Message) Event {
	labels := m.Actor.Attributes
	code, _ := strconv.Atoi(labels["exitCode"])
	return Event{
		Action: string(m.Action), ID: m.Actor.ID, Name: labels["name"],
		Sandbox: labels[sdp.LabelSandbox], Service: labels[sdp.LabelService], Deployment: labels[sdp.LabelDeployment],
		ExitCode: code, At: time.Unix(0, m.TimeNano),
	}
}
