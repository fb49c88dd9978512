package live

import (
	"context"
	"strings"
	"time"

	"sdp/api/rest"
	"sdp/internal/logs"
	"sdp/internal/pause"
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

// Log sends one reader a log as it grows, one frame at a time.
type Log struct {
	DB         *postgres.DB
	Hub        *postgres.Hub
	Now        func() time.Time
	Stream     string
	Deployment string // the stream belongs to
	Offset     int64  // first byte wanted
	Ends       bool   // the log ends with its deployment, not with a container

	heard time.Time
}

// Send sends the log until it ends, or the reader leaves.
func (l *Log) Send(ctx context.Context, conn *Conn) error {
	l.heard = time.Now()
	news, cancel := l.Hub.Subscribe("log/"+l.Stream, "deployment/"+l.Deployment)
	defer cancel()
	slow := time.NewTicker(rescan)
	defer slow.Stop()
	for {
		final, err := l.catchUp(ctx, conn)
		if err != nil {
			return err
		}
		if final || l.abandoned(ctx) {
			return conn.Send(ctx, rest.LogFrame{Offset: l.Offset, Next: l.Offset, Final: true})
		}
		if err := pause.For(ctx, pace); err != nil {
			return err
		}
		if err := awaitNews(ctx, news, slow.C); err != nil {
			return err
		}
	}
}

// awaitNews waits until there may be something to read: the hub says so, or it is time to look all the same.
func awaitNews(ctx context.Context, news <-chan postgres.Event, again <-chan time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case _, open := <-news:
		if !open {
			return ErrClosing // the hub ends with the server
		}
	case <-again:
	}
	return nil
}

// catchUp sends all there is and reports whether the log has ended.
func (l *Log) catchUp(ctx context.Context, conn *Conn) (bool, error) {
	for {
		data, end, final, err := l.DB.ReadLog(ctx, l.Stream, l.Offset, frameBytes)
		if err != nil {
			return false, err
		}
		start := end - int64(len(data)) // later than asked for where old bytes were dropped
		if !final {
			data = data[:logs.WholeRunes(data)]
		}
		if len(data) == 0 {
			return final, nil
		}
		next := start + int64(len(data))
		text := strings.ToValidUTF8(string(data), "\uFFFD")
		if err := conn.Send(ctx, rest.LogFrame{Offset: start, Next: next, Data: text}); err != nil {
			return false, err
		}
		l.Offset, l.heard = next, time.Now()
		if final {
			return true, nil
		}
	}
}

// abandoned reports whether nothing more will come though nobody said that the log is final.
func (l *Log) abandoned(ctx context.Context) bool {
	if !l.Ends || time.Since(l.heard) < abandonAfter {
		return false
	}
	d, err := l.DB.Deployment(ctx, l.Deployment)
	return err == nil && d.State.Settled() && l.Now().Sub(d.FinishedAt) > abandonAfter
}
