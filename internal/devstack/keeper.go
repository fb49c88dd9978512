package devstack

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"sdp/internal/sdp"
)

// keeper keeps one child running.
type keeper struct {
	child    child
	log      *logFile
	progress Progress

	mu   sync.Mutex
	proc *process
	from int64 // where in the log the output of proc begins

	once      sync.Once
	stopping  chan struct{} // closed: stop for good
	restart   chan struct{} // stop and start again
	confirmed chan struct{} // closed once the first run was ready
	failed    chan struct{} // closed once it was decided that the first run will not be ready
	done      chan struct{} // closed once keep has returned
	killed    bool          // valid after done
}

// current returns the process that runs now or ran last, and where its output begins.
func (k *keeper) current() (*process, int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.proc, k.from
}

// awaitReady waits until the first run is ready, or returns why it will not be.
func (k *keeper) awaitReady(ctx context.Context) error {
	p, from := k.current()
	err := k.poll(ctx, p)
	select {
	case <-p.exited:
		err = failure(k.child.name, p.err, k.log, from)
	default:
	}
	if err != nil {
		close(k.failed)
		return err
	}
	close(k.confirmed)
	return nil
}

// poll asks whether p is ready, quickly at first, until it is, it has ended, or its patience is over.
func (k *keeper) poll(ctx context.Context, p *process) error {
	if k.child.ready == nil {
		return nil
	}
	asked := ctx
	ctx, cancel := context.WithTimeout(ctx, k.child.patience)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		err := k.child.ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return p.err
		case <-k.stopping:
			return context.Canceled
		case <-ctx.Done():
			if asked.Err() != nil {
				return asked.Err()
			}
			return sdp.Errorf(sdp.Unavailable, "not-ready", "%s was not ready within %s: %w", k.child.name, k.child.patience, err).
				WithRemedy("its output is in %s", k.log.path)
		case <-time.After(pause):
		}
	}
}

// keep starts the child again whenever it ends, until it is told to stop. A first run that never became ready is not
// repeated: that start has failed, and whoever waits for it is told so.
func (k *keeper) keep() {
	defer close(k.done)
	defer k.log.Close()
	pause := firstPause
	for {
		began := time.Now()
		p, from := k.current()
		select {
		case <-k.stopping:
			k.killed = p.stop(k.child.end, k.child.grace)
			return
		case <-k.restart:
			p.stop(k.child.end, k.child.grace)
			k.progress.Event(k.child.name + " is started again with its new configuration")
			pause = 0
		case <-p.exited:
			if !k.mayRepeat() {
				return
			}
			if time.Since(began) > steadyAfter {
				pause = firstPause
			}
			k.progress.Event(k.obituary(p, from, pause))
		}
		if !k.revive(pause) {
			return
		}
		pause = min(max(2*pause, firstPause), lastPause)
	}
}

// mayRepeat reports whether the first run was ready, once that is decided.
func (k *keeper) mayRepeat() bool {
	select {
	case <-k.confirmed:
		return true
	case <-k.failed:
		return false
	case <-k.stopping:
		return false
	}
}

// maxLastWords bounds what is shown of what a child that died wrote last, in bytes.
const maxLastWords = 600

func (k *keeper) obituary(p *process, from int64, pause time.Duration) string {
	text := fmt.Sprintf("%s %s; it is started again in %s", k.child.name, ending(p.err), pause)
	if words := lastWords(k.log.since(from, maxLastWords)); words != "" {
		text += "; its last words: " + words
	}
	return text
}

// lastWords is the error a program of ours ended with, remedy included, else the last line.
func lastWords(text string) string {
	if i := strings.LastIndex("\n"+text, "\nError: "); i >= 0 {
		return text[i:]
	}
	return lastLines(text, 1)
}

// revive starts the child again after a pause, as often as that takes. It returns false if it was told to stop.
func (k *keeper) revive(pause time.Duration) bool {
	for {
		select {
		case <-k.stopping:
			return false
		case <-time.After(pause):
		}
		from := k.log.position()
		p, err := spawn(k.child, k.log)
		if err == nil {
			k.mu.Lock()
			k.proc, k.from = p, from
			k.mu.Unlock()
			go k.announce(p)
			return true
		}
		pause = lastPause
		k.progress.Event(fmt.Sprintf("%s could not be started: %v; the next try is in %s", k.child.name, err, pause))
	}
}

// announce tells when a child that was started again is ready. If it ends instead, keep tells.
func (k *keeper) announce(p *process) {
	began := time.Now()
	err := k.poll(context.Background(), p)
	select {
	case <-p.exited:
		return
	case <-k.stopping:
		return
	default:
	}
	if err != nil {
		k.progress.Event(err.Error())
		return
	}
	k.progress.Event(fmt.Sprintf("%s is ready again after %s", k.child.name, time.Since(began).Round(time.Millisecond)))
}

// stop stops the child for good and reports whether it had to be killed.
func (k *keeper) stop() (killed bool) {
	k.once.Do(func() { close(k.stopping) })
	<-k.done
	return k.killed
}
