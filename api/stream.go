package api

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
	"github.com/danielgtaylor/huma/v2"

	"sdp/internal/postgres"
)

const (
	frameBytes = 64 << 10 // most log bytes in one frame
	// pace is the shortest time between two reads of a stream's new bytes: lines that come faster share a frame.
	pace = 20 * time.Millisecond
	// rescan is how often a stream is read without having been told of news, in case the news was lost.
	rescan = 3 * time.Second
	// abandonAfter is how long after a deployment has settled its log may stay silent before it counts as ended, though
	// its node never said so: the node may be gone for good.
	abandonAfter = 20 * time.Second
)

type followInput struct {
	ID     string `path:"id"`
	Offset int64  `query:"offset" minimum:"0" doc:"first byte wanted: next of the last frame that arrived"`
}

type followServiceInput struct {
	Name    string `path:"name"`
	Service string `path:"service"`
	Offset  int64  `query:"offset" minimum:"0" doc:"first byte wanted: next of the last frame that arrived"`
}

func (s *Server) followLog(ctx context.Context, in *followInput) (*huma.StreamResponse, error) {
	d, err := s.deployment(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return s.follow(deploymentLog(d), in.Offset, true), nil
}

func (s *Server) followServiceLog(ctx context.Context, in *followServiceInput) (*huma.StreamResponse, error) {
	source, err := s.serviceLog(ctx, in.Name, in.Service)
	if err != nil {
		return nil, err
	}
	return s.follow(source, in.Offset, false), nil
}

func (s *Server) follow(source logSource, offset int64, ends bool) *huma.StreamResponse {
	return s.socket(func(ctx context.Context, conn *websocket.Conn) error {
		f := follower{server: s, conn: conn, source: source, offset: offset, ends: ends, heard: time.Now()}
		return f.run(ctx)
	})
}

// follower sends one reader a log as it grows. It holds one frame at a time: what the reader has not taken stays in
// the database.
type follower struct {
	server *Server
	conn   *websocket.Conn
	source logSource
	offset int64
	ends   bool // the log ends with its deployment, not with a container
	heard  time.Time
}

func (f *follower) run(ctx context.Context) error {
	news, cancel := f.server.cfg.Hub.Subscribe("log/"+f.source.stream, "deployment/"+f.source.deployment)
	defer cancel()
	slow := time.NewTicker(rescan)
	defer slow.Stop()
	for {
		final, err := f.catchUp(ctx)
		if err != nil {
			return err
		}
		if final || f.abandoned(ctx) {
			return f.send(ctx, LogFrame{Offset: f.offset, Next: f.offset, Final: true})
		}
		if err := sleep(ctx, pace); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case _, open := <-news:
			if !open {
				return errClosing // the hub ends with the server
			}
		case <-slow.C:
		}
	}
}

// catchUp sends all there is and reports whether the log has ended.
func (f *follower) catchUp(ctx context.Context) (bool, error) {
	for {
		data, end, final, err := f.server.db.ReadLog(ctx, f.source.stream, f.offset, frameBytes)
		if err != nil {
			return false, err
		}
		start := end - int64(len(data)) // later than asked for where old bytes were dropped
		if !final {
			data = wholeRunes(data)
		}
		if len(data) == 0 {
			return final, nil
		}
		next := start + int64(len(data))
		text := strings.ToValidUTF8(string(data), "\uFFFD")
		if err := f.send(ctx, LogFrame{Offset: start, Next: next, Data: text}); err != nil {
			return false, err
		}
		f.offset, f.heard = next, time.Now()
		if final {
			return true, nil
		}
	}
}

func (f *follower) send(ctx context.Context, frame LogFrame) error {
	message, err := json.Marshal(frame)
	if err != nil {
		return err
	}
	return write(ctx, f.conn, message)
}

// abandoned reports whether nothing more will come though nobody said that the log is final.
func (f *follower) abandoned(ctx context.Context) bool {
	if !f.ends || time.Since(f.heard) < abandonAfter {
		return false
	}
	d, err := f.server.db.Deployment(ctx, f.source.deployment)
	return err == nil && d.State.Settled() && f.server.cfg.Now().Sub(d.FinishedAt) > abandonAfter
}

// wholeRunes cuts off the beginning of a character whose rest has not arrived. Bytes that are no UTF-8 at all stay.
func wholeRunes(data []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(data); n++ {
		if tail := data[len(data)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return data[:len(data)-n]
			}
			break
		}
	}
	return data
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

type eventsInput struct {
	Sandbox string `query:"sandbox" maxLength:"100" doc:"only what concerns this sandbox"`
}

// followEvents tells a reader what has changed, so that it need not poll. Log bytes are no events.
func (s *Server) followEvents(ctx context.Context, in *eventsInput) (*huma.StreamResponse, error) {
	if in.Sandbox != "" {
		if _, err := s.sandbox(ctx, in.Sandbox); err != nil {
			return nil, err
		}
	}
	topic := "all"
	if in.Sandbox != "" {
		topic = "sandbox/" + in.Sandbox
	}
	return s.socket(func(ctx context.Context, conn *websocket.Conn) error {
		news, cancel := s.cfg.Hub.Subscribe(topic)
		defer cancel()
		return tell(ctx, conn, news)
	}), nil
}

// trafficPace is how often a reader is told of new traffic at most: several nodes report on one sandbox.
const trafficPace = 2 * time.Second

// tell sends events until the reader leaves. Traffic that comes too soon waits, so that the last numbers are told too.
func tell(ctx context.Context, conn *websocket.Conn, news <-chan postgres.Event) error {
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
				return errClosing
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
		message, err := json.Marshal(Event{Topic: e.Topic, ID: e.ID, Sandbox: e.Sandbox})
		if err != nil {
			return err
		}
		if err := write(ctx, conn, message); err != nil {
			return err
		}
	}
}
