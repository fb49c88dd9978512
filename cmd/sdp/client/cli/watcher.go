package cli

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

// watcher turns states of deployments into lines: one for each step that ended, one for the end. What an operation does is
// said while it goes on.
type watcher struct {
	screen   *screen.Screen
	progress *screen.Progress
	width    int // of the longest service name

	mu    sync.Mutex
	seen  map[string]rest.Deployment
	since map[string]time.Time // since when what is going on goes on, by this machine's clock
}

func newWatcher(s *screen.Screen) *watcher {
	return &watcher{screen: s, progress: s.Progress(), seen: map[string]rest.Deployment{}, since: map[string]time.Time{}}
}

func (w *watcher) update(d rest.Deployment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, known := w.seen[d.ID]
	if known && before.Settled {
		return
	}
	d.Steps = closed(d)
	if known && reflect.DeepEqual(before, d) {
		return
	}
	w.seen[d.ID] = d
	_ = w.screen.Line(Line{Type: "deployment", Deployment: &d}) // the last line says whether the output could be written
	for _, s := range d.Steps {
		if ended(s) && !slices.ContainsFunc(before.Steps, func(b rest.Step) bool { return b.Name == s.Name && ended(b) }) {
			w.progress.Line(w.stepLine(d, s))
		}
	}
	if d.Settled {
		w.progress.Show(d.ID, nil)
		w.progress.Line(w.endLine(d))
		return
	}
	doing := current(d)
	if !known || doing != current(before) {
		w.since[d.ID] = time.Now()
	}
	since, name := w.since[d.ID], screen.Pad(d.Service, w.width)
	if d.State == sdp.Queued && d.WaitingFor != "" && d.WaitingFor != before.WaitingFor {
		w.progress.Note(name + "  " + doing)
	}
	w.progress.Show(d.ID, func() string {
		return fmt.Sprintf("%s  %s  %s", name, screen.Pad(doing, 8), screen.Took(time.Since(since)))
	})
}

// closed returns the steps of a deployment. One that runs has them all behind it, also where the row of the last step was
// read a moment too early.
func closed(d rest.Deployment) []rest.Step {
	steps := slices.Clone(d.Steps)
	for i, s := range steps {
		if d.State == sdp.Running && s.State == string(sdp.StepRunning) {
			steps[i].State, steps[i].FinishedAt = string(sdp.StepDone), d.FinishedAt
		}
	}
	return steps
}

func ended(s rest.Step) bool {
	switch sdp.StepState(s.State) {
	case sdp.StepDone, sdp.StepCached, sdp.StepFailed, sdp.StepCancelled:
		return true
	case sdp.StepPending, sdp.StepRunning:
	}
	return false
}

// current says what a deployment is doing: the running step, or what it waits for.
func current(d rest.Deployment) string {
	for _, s := range d.Steps {
		if s.State == string(sdp.StepRunning) && d.WaitingFor != "" && !d.Cancelling {
			return string(s.Name) + ", waiting for " + d.WaitingFor
		} else if s.State == string(sdp.StepRunning) {
			return string(s.Name)
		}
	}
	if d.WaitingFor != "" {
		return "queued behind " + d.WaitingFor
	}
	return strings.ToLower(string(d.State))
}

func (w *watcher) stepLine(d rest.Deployment, s rest.Step) string {
	took := ""
	if !s.StartedAt.IsZero() && !s.FinishedAt.IsZero() && s.State != string(sdp.StepCached) {
		took = screen.Took(s.FinishedAt.Sub(s.StartedAt))
	}
	mark, style := w.mark(s.State)
	line := fmt.Sprintf("%s %s  %s  %s  %s", w.screen.Paint(style, mark), screen.Pad(d.Service, w.width),
		screen.Pad(string(s.Name), len(sdp.StepCheckout)), screen.Pad(took, 6), w.screen.Paint(screen.Dim, s.Detail))
	return strings.TrimRight(line, " ")
}

// mark is the sign of a step's or a deployment's state: a tick on a terminal, a word of fixed width elsewhere.
func (w *watcher) mark(state string) (string, screen.Style) {
	tick, style := "✓", screen.Green
	switch state {
	case string(sdp.StepCached):
		style = screen.Dim
	case string(sdp.StepFailed), string(sdp.DeployFailed):
		tick, style = "✗", screen.Red
	case string(sdp.StepCancelled), string(sdp.DeployCancelled), string(sdp.DeployStopped):
		tick, style = "-", screen.Yellow
	}
	if w.screen.Live {
		return tick, style
	}
	return screen.Pad(strings.ToLower(state), len(sdp.StepCancelled)+1), style
}

func (w *watcher) endLine(d rest.Deployment) string {
	mark, style := w.mark(string(d.State))
	text := string(d.State)
	if d.State == sdp.Running {
		text += " " + view.Revision(d) + " @ " + sdp.ShortSHA(d.SHA)
	} else if d.Failure != nil && d.Failure.Step != "" {
		text += " at " + string(d.Failure.Step)
	}
	if !d.FinishedAt.IsZero() {
		text += " after " + screen.Took(d.FinishedAt.Sub(d.CreatedAt))
	}
	return fmt.Sprintf("%s %s  %s", w.screen.Paint(style, mark), screen.Pad(d.Service, w.width), w.screen.Paint(style, text))
}
