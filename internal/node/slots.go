package node

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// Slots decide which builds run on a node: one of each image, no more at a time than the node may, and no further one while
// the machine is under pressure; one always may. Who comes first is served first.
//
// A deployment first claims the image it would make, then a slot, so nobody who has a slot waits. All of it lives in the
// process: whoever waits or builds does so in an activity, and with that the claim ends.
type Slots struct {
	pressure func() string // what the machine is short of; "" = of nothing

	mu      sync.Mutex
	limit   int  // builds at once
	held    bool // no further build begins
	running int
	line    []int               // who waits for a slot, by number
	numbers int                 // given out in the line so far
	images  map[string][]*maker // who makes an image, and then who waits for it
	waits   map[string]string   // by deployment, what it waits for
	changed chan struct{}       // closed when somebody who waits should look again
}

// maker is a deployment that makes an image or waits for another to make it.
type maker struct {
	deployment string
	parked     time.Time // since when the first in line has gone on to its next step and nothing works for it; zero = it works
}

// parkLimit is how long a deployment may take from one step to the next before somebody else makes its image: no step follows
// one whose deployment has been lost.
const parkLimit = time.Minute

// lookEvery is how often those who wait look at what nobody tells them: pressure, and deployments that are lost.
const lookEvery = time.Second

func newSlots(limit int, pressure func() string) *Slots {
	return &Slots{limit: max(limit, 1), pressure: pressure, images: map[string][]*maker{}, waits: map[string]string{},
		changed: make(chan struct{})}
}

// SetLimit changes how many builds run at once, and ends a Hold. Those that run go on.
func (s *Slots) SetLimit(limit int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit, s.held = limit, false
	s.wake()
}

// Hold lets no further build begin.
func (s *Slots) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = true
}

// Idle reports whether no image is being made: whoever has one to make waits for a slot.
func (s *Slots) Idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running == 0 && len(s.images) <= len(s.line)
}

// Limit is how many builds run at once.
func (s *Slots) Limit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limit
}

// Running is how many builds run.
func (s *Slots) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// Waiting says which deployments wait to build, and for what.
func (s *Slots) Waiting() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.waits)
}

// claim waits until no other deployment makes an image, and claims it until drop. It says once for whom it waits.
func (s *Slots) claim(ctx context.Context, image, deployment string, say func(string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer delete(s.waits, deployment)
	said := false
	for {
		first := s.enter(image, deployment)
		if first.deployment == deployment {
			first.parked = time.Time{}
			return nil
		}
		s.waits[deployment] = "the build of the same commit by " + first.deployment
		if !said {
			say("waiting for " + s.waits[deployment])
			said = true
		}
		if err := s.wait(ctx); err != nil {
			s.leave(deployment)
			return err
		}
	}
}

// enter puts a deployment into the line of an image unless it is there, and returns the first in that line.
func (s *Slots) enter(image, deployment string) *maker {
	line := s.images[image]
	if len(line) > 0 && !line[0].parked.IsZero() && time.Since(line[0].parked) > parkLimit {
		line = line[1:]
	}
	if !slices.ContainsFunc(line, func(m *maker) bool { return m.deployment == deployment }) {
		line = append(line, &maker{deployment: deployment})
	}
	s.images[image] = line
	return line[0]
}

// park keeps a deployment's claim for its next step, for a while.
func (s *Slots) park(deployment string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, line := range s.images {
		if line[0].deployment == deployment {
			line[0].parked = time.Now()
		}
	}
}

// drop gives up a deployment's claim.
func (s *Slots) drop(deployment string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(deployment)
}

func (s *Slots) leave(deployment string) {
	for image, line := range s.images {
		line = slices.DeleteFunc(line, func(m *maker) bool { return m.deployment == deployment })
		if s.images[image] = line; len(line) == 0 {
			delete(s.images, image)
		}
	}
	s.wake()
}

// during runs a build once there is a slot for it. It says once how many wait before it, and once what the machine is short of.
func (s *Slots) during(ctx context.Context, deployment string, say func(string), build func() error) error {
	if err := s.take(ctx, deployment, say); err != nil {
		return err
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.running--
		s.wake()
	}()
	return build()
}

func (s *Slots) take(ctx context.Context, deployment string, say func(string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer delete(s.waits, deployment)
	s.numbers++
	mine := s.numbers
	s.line = append(s.line, mine)
	defer func() {
		s.line = slices.DeleteFunc(s.line, func(n int) bool { return n == mine })
		s.wake()
	}()
	var queued, held sync.Once
	for {
		short := s.short()
		switch before := slices.Index(s.line, mine); {
		case before > 0 || s.running >= s.limit || s.held:
			s.waits[deployment] = fmt.Sprintf("a build slot: %d before it", before+s.running)
			queued.Do(func() { say("waiting for " + s.waits[deployment]) })
		case short != "":
			s.waits[deployment] = "a build slot: " + short
			held.Do(func() { say("waiting for " + s.waits[deployment]) })
		default:
			s.running++
			return nil
		}
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
}

// short says what the machine is short of for one more build.
func (s *Slots) short() string {
	if s.running == 0 || s.pressure == nil {
		return ""
	}
	return s.pressure()
}

// wait waits until something has changed or it is time to look again.
func (s *Slots) wait(ctx context.Context) error {
	changed := s.changed
	s.mu.Unlock()
	defer s.mu.Lock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-changed:
	case <-time.After(lookEvery):
	}
	return nil
}

func (s *Slots) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}
