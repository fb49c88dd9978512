package role

import (
	"sync"
	"time"

	"sdp/cmd/sdp/screen"
)

// steps shows what devstack does. It implements devstack.Progress.
type steps struct {
	screen *screen.Screen

	mu       sync.Mutex
	progress *screen.Progress // nil once closed: what comes then is a plain line
}

func newSteps(s *screen.Screen) *steps { return &steps{screen: s, progress: s.Progress()} }

// Start implements devstack.Progress.
func (s *steps) Start(step string) {
	s.with(func(p *screen.Progress) { p.ShowStep(step) })
}

// Done implements devstack.Progress.
func (s *steps) Done(step, detail string, took time.Duration) {
	s.end(step)
	s.line(s.screen.Step(step, took, detail))
}

// Fail implements devstack.Progress. The error itself is what the command ends with.
func (s *steps) Fail(step string, _ error, took time.Duration) {
	s.end(step)
	s.line(s.screen.FailedStep(step, took))
}

// Event implements devstack.Progress.
func (s *steps) Event(text string) { s.line(s.screen.Paint(screen.Yellow, "!") + " " + text) }

// Close ends the redrawing; later lines are written as they come.
func (s *steps) Close() {
	s.mu.Lock()
	p := s.progress
	s.progress = nil
	s.mu.Unlock()
	if p != nil {
		p.Close()
	}
}

// end stops showing a step as going on.
func (s *steps) end(step string) {
	s.with(func(p *screen.Progress) { p.Show(step, nil) })
}

func (s *steps) with(do func(*screen.Progress)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress != nil {
		do(s.progress)
	}
}

func (s *steps) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.progress != nil {
		s.progress.Line(text)
		return
	}
	s.screen.Notef("%s", text)
}
