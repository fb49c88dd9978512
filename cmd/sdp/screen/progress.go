package screen

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Progress shows things that go on at the same time. Lines that are final scroll by; below them a terminal shows one
// line per thing still going on, redrawn until it is done. Into a pipe only the final lines are written.
type Progress struct {
	out    io.Writer
	screen *Screen
	live   bool

	mu    sync.Mutex
	keys  []string // in order of appearance
	now   map[string]func() string
	drawn int // lines on the terminal below the final ones
	frame int
	stop  chan struct{}
	done  chan struct{}
}

// spinner's frames; one every redrawEvery.
var spinner = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

const redrawEvery = 100 * time.Millisecond

// Progress starts showing progress. It must be closed.
func (s *Screen) Progress() *Progress {
	p := &Progress{out: s.notes(), screen: s, live: s.Live && s.Format == Text, now: map[string]func() string{},
		stop: make(chan struct{}), done: make(chan struct{})}
	if p.live {
		go p.animate()
	} else {
		close(p.done)
	}
	return p
}

func (p *Progress) animate() {
	defer close(p.done)
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-ticker.C:
			p.mu.Lock()
			p.frame++
			p.draw()
			p.mu.Unlock()
		}
	}
}

// Close ends the animation and takes away the lines of what still goes on.
func (p *Progress) Close() {
	p.mu.Lock()
	if p.now != nil {
		p.now, p.keys = nil, nil
		close(p.stop)
		p.draw()
	}
	p.mu.Unlock()
	<-p.done
}

// Line writes a final line.
func (p *Progress) Line(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
	fmt.Fprintln(p.out, text)
	p.draw()
}

// Note writes a line to standard error where nothing is redrawn: what Show says on a terminal, to whom a pipe leaves waiting.
func (p *Progress) Note(text string) {
	if p.live || p.screen.Format == NDJSON {
		return // the lines say it
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintln(p.screen.Err, text)
}

// Show sets what is shown for key while it goes on; text is asked again with each redraw. A nil text ends it.
func (p *Progress) Show(key string, text func() string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == nil {
		return
	}
	i := slices.Index(p.keys, key)
	switch {
	case text == nil && i >= 0:
		p.keys = slices.Delete(p.keys, i, i+1)
	case text != nil && i < 0:
		p.keys = append(p.keys, key)
	}
	p.now[key] = text
	p.draw()
}

func (p *Progress) erase() {
	if p.drawn > 0 {
		fmt.Fprintf(unfiltered(p.out), "\x1b[%dA\r\x1b[J", p.drawn)
		p.drawn = 0
	}
}

func (p *Progress) draw() {
	if !p.live {
		return
	}
	var b strings.Builder
	for _, key := range p.keys {
		spin := p.screen.paint(Cyan, spinner[p.frame%len(spinner)])
		b.WriteString(spin + " " + Cut(p.screen.clean(p.now[key]()), p.screen.Width()-3) + "\n")
	}
	n := len(p.keys)
	p.erase()
	fmt.Fprint(p.out, b.String())
	p.drawn = n
}

// Cut shortens text to a width, so that no line wraps and the count of drawn lines stays true.
func Cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:max(0, width-1)]) + "…"
}

// stepWidth aligns the times of steps; the longest name has about this many characters.
const stepWidth = 34

// Step returns the line of a step that went well; detail may be "".
func (s *Screen) Step(name string, took time.Duration, detail string) string {
	mark := "done  " // a word where nothing is redrawn
	if s.Live {
		mark = s.paint(Green, "✓")
	}
	return strings.TrimRight(fmt.Sprintf("%s %s%s  %s", mark, Pad(name, stepWidth), Pad(Took(took), 6), s.paint(Dim, detail)), " ")
}

// FailedStep returns the line of a step that failed.
func (s *Screen) FailedStep(name string, took time.Duration) string {
	mark := "FAILED"
	if s.Live {
		mark = s.paint(Red, "✗")
	}
	return mark + " " + Pad(name, stepWidth) + Took(took)
}

// ShowStep shows a step as going on until Show(name, nil).
func (p *Progress) ShowStep(name string) {
	since := time.Now()
	p.Show(name, func() string { return Pad(name, stepWidth) + Took(time.Since(since)) })
}
