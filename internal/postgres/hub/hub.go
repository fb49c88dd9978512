// Package hub turns the announcements that PostgreSQL sends (LISTEN) into events for subscribers.
package hub

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sdp/internal/postgres/pg"
)

// Event says that something changed; the receiver reads what. Topic is one of
//
//	deployment/<id>   a deployment; Sandbox names its sandbox
//	sandbox/<name>    a sandbox, its routes, containers or operations; ID is the operation's where it is one
//	traffic/<name>    what routers counted for a sandbox
//	log/<stream>      Offset is the new end of a log
//	audit             somebody did something; ID is the sandbox it concerns, if it concerns one
//	environment/<n>   an environment was made, changed or deleted
//	nodes             ID is the node that registered, came back, or reports other troubles than before
//	events            there are more rows in table events
//	resync            announcements may have been lost: read everything again
type Event struct {
	Topic   string
	ID      string
	Sandbox string
	Offset  int64
}

// topicResync and topicAll are the topics that are not announced by the database.
const (
	topicResync = "resync"
	topicAll    = "all"
)

// topicEvents is for readers of the table: everybody else hears of the same changes by the other topics.
const topicEvents = "events"

// How long the listener waits for an announcement before it looks whether the connection is alive, how long that may
// take, and how long it waits between attempts to reconnect, at first and at most.
const (
	listenCheck   = 15 * time.Second
	listenPatient = 5 * time.Second
	reconnectMin  = 20 * time.Millisecond
	reconnectMax  = 2 * time.Second
)

// Hub hands the database's announcements to subscribers. It holds one connection however many there are.
type Hub struct {
	config *pgx.ConnConfig
	done   chan struct{}

	mu     sync.Mutex
	subs   map[*subscriber]struct{}
	closed bool
}

// Listen starts a hub that runs until ctx ends; then all subscriptions' channels are closed. It returns once it
// listens: what changes after that is announced.
func Listen(ctx context.Context, pool *pg.Pool) (*Hub, error) {
	h := &Hub{config: pool.Config().ConnConfig, done: make(chan struct{}), subs: map[*subscriber]struct{}{}}
	h.config.RuntimeParams["application_name"] = "sdp events"
	conn, err := h.connect(ctx)
	if err != nil {
		return nil, pg.Unreachable(err)
	}
	go func() {
		defer close(h.done)
		h.run(ctx, conn)
		h.close()
	}()
	return h, nil
}

// Done is closed when the hub has stopped.
func (h *Hub) Done() <-chan struct{} { return h.done }

func (h *Hub) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, h.config.Copy())
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `LISTEN sdp`); err != nil {
		hangUp(conn)
		return nil, err
	}
	return conn, nil
}

func hangUp(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn.Close(ctx)
}

func (h *Hub) run(ctx context.Context, conn *pgx.Conn) {
	for {
		err := h.receive(ctx, conn)
		hangUp(conn)
		if ctx.Err() != nil {
			return
		}
		slog.WarnContext(ctx, "Lost the connection for database events", "error", err)
		if conn = h.reconnect(ctx); conn == nil {
			return
		}
		slog.InfoContext(ctx, "Listening for database events again")
		h.publish(Event{Topic: topicResync})
	}
}

// receive hands announcements on until the connection fails or ctx ends.
func (h *Hub) receive(ctx context.Context, conn *pgx.Conn) error {
	for {
		n, err := waitAtMost(ctx, conn, listenCheck)
		switch {
		case err == nil:
			var e Event
			if err := json.Unmarshal([]byte(n.Payload), &e); err != nil {
				slog.WarnContext(ctx, "Ignored an unreadable database event", "error", err)
				continue
			}
			h.publish(e)
		case ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) && !conn.IsClosed():
			if err := pingAtMost(ctx, conn, listenPatient); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

func waitAtMost(ctx context.Context, conn *pgx.Conn, limit time.Duration) (*pgconn.Notification, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return conn.WaitForNotification(ctx)
}

func pingAtMost(ctx context.Context, conn *pgx.Conn, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return conn.Ping(ctx)
}

func (h *Hub) reconnect(ctx context.Context) *pgx.Conn {
	for wait := reconnectMin; ; wait = min(2*wait, reconnectMax) {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
		if conn, err := h.connect(ctx); err == nil {
			return conn
		}
	}
}
