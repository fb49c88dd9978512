package supervise

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"sdp/internal/sdp"
)

// Keeper keeps one child running.
type Keeper struct {
	child Child
	log   *logFile
	event func(text string)

	mu   sync.Mutex
	proc *process
	from int64 // where in the log the output of proc begins

	once      sync.Once
	stopping  chan struct{} // closed: stop for good
	confirmed chan struct{} // closed once the first run was ready
	failed    chan struct{} // closed once it was decided that the first run will not be ready
	done      chan struct{} // closed once keep has returned
	killed    bool          // valid after done
}

// current returns the process that runs now or ran last, and where its output begins.
func (k *Keeper) current() (*process, int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.proc, k.from
}

// AwaitReady waits until the first run is ready, or returns why it will not be.
func (k *Keeper) AwaitReady(ctx context.Context) error {
	p, from := k.current()
	err := k.poll(ctx, p)
	select {
	case <-p.exited:
		err = failure(k.child.Name, p.err, k.log, from)
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
func (k *Keeper) poll(ctx context.Context, p *process) error {
	if k.child.Ready == nil {
		return nil
	}
	asked := ctx
	ctx, cancel := context.WithTimeout(ctx, k.child.Patience)
	defer cancel()
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 250*time.Millisecond) {
		err := k.child.Ready(ctx)
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
			return sdp.Errorf(sdp.Unavailable, "not-ready", "%s was not ready within %s: %w", k.child.Name, k.child.Patience, err).
				WithRemedy("its output is in %s", k.log.path)
		case <-time.After(pause):
		}
	}
}

// keep starts the child again whenever it ends, until it is told to stop. A first run that never became ready is not
// repeated: that start has failed, and whoever waits for it is told so.
func (k *Keeper) keep() {
	defer close(k.done)
	defer k.log.Close()
	pause := firstPause
	for {
		began := time.Now()
		p, from := k.current()
		select {
		case <-k.stopping:
			k.killed = p.stop(k.child.End, k.child.Grace)
			return
		case <-p.exited:
			if !k.mayRepeat() {
				return
			}
			if time.Since(began) > steadyAfter {
				pause = firstPause
			}
			k.event(k.exitMessage(p, from, pause))
		}
		if !k.revive(pause) {
			return
		}
		pause = min(2*pause, lastPause)
	}
}

// mayRepeat reports whether the first run was ready, once that is decided.
func (k *Keeper) mayRepeat() bool {
	select {
	case <-k.confirmed:
		return true
	case <-k.failed:
		return false
	case <-k.stopping:
		return false
	}
}

// maxLastOutput bounds what is shown of what a child that died wrote last, in bytes.
const maxLastOutput = 600

func (k *Keeper) exitMessage(p *process, from int64, pause time.Duration) string {
	text := fmt.Sprintf("%s %s; it is started again in %s", k.child.Name, ending(p.err), pause)
	if output := lastOutput(k.log.since(from, maxLastOutput)); output != "" {
		text += "; its last output: " + output
	}
	return text
}

// lastOutput is the error a program of ours ended with, remedy included, else the last line.
func lastOutput(text string) string {
	if i := strings.LastIndex("\n"+text, "\nError: "); i >= 0 {
		return text[i:]
	}
	return lastLines(text, 1)
}

// revive starts the child again after a pause, as often as that takes. It returns false if it was told to stop.
func (k *Keeper) revive(pause time.Duration) bool {
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
		k.event(fmt.Sprintf("%s could not be started: %v; the next try is in %s", k.child.Name, err, pause))
	}
}

// announce tells when a child that was started again is ready. If it ends instead, keep tells.
func (k *Keeper) announce(p *process) {
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
		k.event(err.Error())
		return
	}
	k.event(fmt.Sprintf("%s is ready again after %s", k.child.Name, time.Since(began).Round(time.Millisecond)))
}

// stop stops the child for good and reports whether it had to be killed.
func (k *Keeper) stop() (killed bool) {
	k.once.Do(func() { close(k.stopping) })
	<-k.done
	return k.killed
}
