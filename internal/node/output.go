package node

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sdp/internal/containers"
	"sdp/internal/logs"
	"sdp/internal/logs/mask"
	"sdp/internal/sdp"
)

// outputLimit bounds what is kept of one container's output, in bytes; the last of it is always kept.
const outputLimit = 16 << 20

// Output copies what containers print into their log streams. Each line begins with the runtime's timestamp, so that after
// a restart of the worker it can go on exactly behind the last line it has.
type Output struct {
	runtime ContainerRuntime
	spool   *logs.Spool
	log     *slog.Logger
	start   chan containers.Container

	mu        sync.Mutex
	following map[string]bool // by container ID
}

func newOutput(e ContainerRuntime, s *logs.Spool, log *slog.Logger) *Output {
	return &Output{runtime: e, spool: s, log: log, start: make(chan containers.Container, 64), following: map[string]bool{}}
}

// Follow starts to copy a container's output unless that is being done.
func (o *Output) Follow(c containers.Container) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.following[c.ID] {
		return
	}
	select {
	case o.start <- c:
		o.following[c.ID] = true
	default: // many at once: the reconciler asks again
	}
}

// Follows reports whether a container's output is being copied.
func (o *Output) Follows(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.following[id]
}

// Run copies what Follow is told of until ctx ends.
func (o *Output) Run(ctx context.Context) error {
	var group sync.WaitGroup
	defer group.Wait()
	for {
		select {
		case <-ctx.Done():
			return nil
		case c := <-o.start:
			group.Go(func() {
				if err := o.copy(ctx, c); err != nil && ctx.Err() == nil {
					o.log.Warn("Following a container's output ended", "container", c.Name, "error", err)
				}
				o.mu.Lock()
				delete(o.following, c.ID)
				o.mu.Unlock()
			})
		}
	}
}

// copy follows one container until it ends. The stream is complete only once the container is gone: a stopped one may
// be started again. Usually it goes a moment after it stopped; the reconciler then calls Finish.
func (o *Output) copy(ctx context.Context, c containers.Container) error {
	secrets, err := o.secrets(ctx, c)
	if err != nil {
		return err
	}
	options := logs.Options{Masker: mask.New(secrets...), MaxBytes: outputLimit}
	stream, err := o.spool.Create(sdp.ContainerStream(c.Deployment), options)
	if err != nil {
		return err
	}
	since := lastTimestamp(stream.Tail(64 << 10))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err = o.runtime.Follow(ctx, c.ID, since, func(ts time.Time, line []byte) {
		if !ts.After(since) {
			return
		}
		if _, err := fmt.Fprintf(stream, "%s %s\n", ts.UTC().Format(time.RFC3339Nano), line); err != nil {
			cancel(err) // a full disk, say; the reconciler starts the copy anew
		}
	})
	if ctx.Err() != nil {
		return stream.Release()
	}
	if _, found, e := o.runtime.Inspect(ctx, c.ID); e == nil && !found {
		return stream.Close()
	}
	if e := stream.Release(); e != nil {
		return e
	}
	return err
}

// Finish completes the stream of a container that is gone.
func (o *Output) Finish(stream string) error {
	s, err := o.spool.Create(stream, logs.Options{MaxBytes: outputLimit})
	if err != nil {
		return err
	}
	return s.Close()
}

// secrets are what must not show in a container's output: the values of its secret variables and the contents of its
// files. They are asked of the runtime, because a list of containers does not tell them.
func (o *Output) secrets(ctx context.Context, c containers.Container) ([]string, error) {
	full, found, err := o.runtime.Inspect(ctx, c.ID)
	if err != nil || !found {
		return secretValues(c), err // of one that is gone nothing more is copied
	}
	files, err := o.runtime.Files(ctx, full)
	return append(secretValues(full), contentsToMask(files)...), err
}

// secretValues are the values of a container's variables that were given as secrets.
func secretValues(c containers.Container) []string {
	var out []string
	for _, entry := range c.Env {
		key, value, _ := strings.Cut(entry, "=")
		for _, secret := range c.SecretKeys {
			if key == secret {
				out = append(out, value)
			}
		}
	}
	return out
}

// lastTimestamp returns the timestamp of the last complete line of a container's stream, zero if there is none.
func lastTimestamp(tail string) time.Time {
	lines := strings.Split(tail, "\n")
	lines = lines[:len(lines)-1] // what has no end was cut off by a kill, and is copied again
	for i := len(lines) - 1; i >= 0; i-- {
		field, _, _ := strings.Cut(lines[i], " ")
		if ts, err := time.Parse(time.RFC3339Nano, field); err == nil {
			return ts
		}
	}
	return time.Time{}
}
