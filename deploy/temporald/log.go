package main

import (
	"context"
	"log/slog"
	"os"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// serverLog gives the Temporal server our logger. The server's own logger exits on Fatal without always having
// written why, so ours writes the reason first.
type serverLog struct{ slog *slog.Logger }

var (
	_ log.Logger      = serverLog{}
	_ log.WithLogger  = serverLog{}
	_ log.SLogWrapper = serverLog{}
)

func (l serverLog) Debug(msg string, tags ...tag.Tag) { l.write(slog.LevelDebug, msg, tags) }
func (l serverLog) Info(msg string, tags ...tag.Tag)  { l.write(slog.LevelInfo, msg, tags) }
func (l serverLog) Warn(msg string, tags ...tag.Tag)  { l.write(slog.LevelWarn, msg, tags) }
func (l serverLog) Error(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

// DPanic only logs, as the server's own logger does outside development.
func (l serverLog) DPanic(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

// Panic logs and panics; callers rely on it not to return.
func (l serverLog) Panic(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	panic(msg)
}

// Fatal logs and exits: all state is in PostgreSQL, and a supervisor starts us again. Going on would leave a server
// that lacks a service.
func (l serverLog) Fatal(msg string, tags ...tag.Tag) {
	attrs := append([]slog.Attr{slog.String("reason", msg)}, attributes(tags)...)
	l.slog.LogAttrs(context.Background(), slog.LevelError, "Ended by a fatal error of the server", attrs...)
	os.Exit(1)
}

func (l serverLog) With(tags ...tag.Tag) log.Logger {
	return serverLog{slog: slog.New(l.slog.Handler().WithAttrs(attributes(tags)))}
}

func (l serverLog) SLog() *slog.Logger { return l.slog }

func (l serverLog) write(level slog.Level, msg string, tags []tag.Tag) {
	if l.slog.Enabled(context.Background(), level) {
		l.slog.LogAttrs(context.Background(), level, msg, attributes(tags)...) //nolint:sloglint // Temporal's message
	}
}

func attributes(tags []tag.Tag) []slog.Attr {
	attrs := make([]slog.Attr, len(tags))
	for i, t := range tags {
		attrs[i] = slog.Any(t.Key(), t.Value())
	}
	return attrs
}
