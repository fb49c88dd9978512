package worker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"sdp/activities"
	"sdp/internal/docker"
	"sdp/internal/logs"
	"sdp/internal/sdp"
)

// outputLimit bounds what is kept of one container's output, in bytes; the last of it is always kept.
const outputLimit = 16 << 20

// output copies what containers print into their log streams. Each line begins with Docker's timestamp, so that after
// a restart of the worker it can go on exactly behind the last line it has.
type output struct {
	docker *docker.Client
	spool  *logs.Spool
	log    *slog.Logger
	start  chan docker.Container

	mu        sync.Mutex
	following map[string]bool // by container ID
}

func newOutput(d *docker.Client, s *logs.Spool, log *slog.Logger) *output {
	return &output{docker: d, spool: s, log: log, start: make(chan docker.Container, 64), following: map[string]bool{}}
}

// follow starts to copy a container's output unless that is being done.
func (o *output) follow(c docker.Container) {
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

func (o *output) run(ctx context.Context) error {
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
// be started again. Usually it goes a moment after it stopped; the reconciler then calls finish.
func (o *output) copy(ctx context.Context, c docker.Container) error {
	secrets, err := o.secrets(ctx, c)
	if err != nil {
		return err
	}
	options := logs.Options{Masker: logs.NewMasker(secrets...), MaxBytes: outputLimit}
	stream, err := o.spool.Create(sdp.ContainerStream(c.Deployment), options)
	if err != nil {
		return err
	}
	since := lastTimestamp(stream.Tail(64 << 10))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err = o.docker.Follow(ctx, c.ID, since, func(ts time.Time, line []byte) {
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
	if _, found, e := o.docker.Inspect(ctx, c.ID); e == nil && !found {
		return stream.Close()
	}
	if e := stream.Release(); e != nil {
		return e
	}
	return err
}

// finish completes the stream of a container that is gone.
func (o *output) finish(stream string) error {
	s, err := o.spool.Create(stream, logs.Options{MaxBytes: outputLimit})
	if err != nil {
		return err
	}
	return s.Close()
}

// secrets are what must not show in a container's output: the values of its secret variables and the contents of its
// files. They are asked of Docker, because a list of containers does not tell them.
func (o *output) secrets(ctx context.Context, c docker.Container) ([]string, error) {
	full, found, err := o.docker.Inspect(ctx, c.ID)
	if err != nil || !found {
		return secretValues(c), err // of one that is gone nothing more is copied
	}
	files, err := o.docker.Files(ctx, full)
	return append(secretValues(full), activities.SecretContents(files)...), err
}

// secretValues are the values of a container's variables that were given as secrets.
func secretValues(c docker.Container) []string {
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
	lines := strings.Split(strings.TrimRight(tail, "\n"), "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		field, _, _ := strings.Cut(lines[i], " ")
		if ts, err := time.Parse(time.RFC3339Nano, field); err == nil {
			return ts
		}
	}
	return time.Time{}
}
