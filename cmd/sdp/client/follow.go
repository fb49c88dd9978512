package client

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sdp/api"
	"sdp/api/apiclient"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

func (a *App) follow(ctx context.Context, c *apiclient.Client, ds []api.Deployment) ([]api.Deployment, error) {
	return Follow(ctx, a.Screen, c, ds)
}

// Follow shows the steps of deployments until all have settled, and returns them as they ended. Ctrl-C only stops
// watching.
func Follow(ctx context.Context, s *screen.Screen, c *apiclient.Client, ds []api.Deployment) ([]api.Deployment, error) {
	w := &watcher{screen: s, progress: s.Progress(), seen: map[string]api.Deployment{}, since: map[string]time.Time{}}
	for _, d := range ds {
		w.width = max(w.width, len(d.Service))
	}
	ended := make([]api.Deployment, len(ds))
	g, gctx := errgroup.WithContext(ctx)
	for i, d := range ds {
		w.update(d)
		g.Go(func() (err error) {
			if ended[i], err = c.WaitDeployment(gctx, d.ID, w.update); err == nil {
				w.update(ended[i])
			}
			return err
		})
	}
	err := g.Wait()
	w.progress.Close()
	if err != nil {
		return nil, detached(ctx, err, goesOn(ds))
	}
	return ended, nil
}

func goesOn(ds []api.Deployment) string {
	lines := []string{"No longer watching; the deployment goes on."}
	for _, d := range ds {
		lines = append(lines, fmt.Sprintf("%s: `sdp logs %s -f` follows it, `sdp cancel %s` cancels it", d.Service, d.ID, d.ID))
	}
	return strings.Join(lines, "\n  -> ")
}

// Detached is returned when Ctrl-C ended the watching of something that goes on.
type Detached struct{ Note string }

func (d *Detached) Error() string { return d.Note }

// detached returns err, or Detached if it is due to the user's Ctrl-C.
func detached(ctx context.Context, err error, note string) error {
	if ctx.Err() != nil {
		return &Detached{Note: note}
	}
	return err
}

// watcher turns states of deployments into lines: one for each step that ended, one for the end.
type watcher struct {
	screen   *screen.Screen
	progress *screen.Progress
	width    int // of the longest service name

	mu    sync.Mutex
	seen  map[string]api.Deployment
	since map[string]time.Time // since when what is going on goes on, by this machine's clock
}

func (w *watcher) update(d api.Deployment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, known := w.seen[d.ID]
	if known && before.Settled {
		return
	}
	d.Steps = closed(d)
	w.seen[d.ID] = d
	for _, s := range d.Steps {
		if ended(s) && !slices.ContainsFunc(before.Steps, func(b api.Step) bool { return b.Name == s.Name && ended(b) }) {
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
	w.progress.Show(d.ID, func() string {
		return fmt.Sprintf("%s  %s  %s", name, screen.Pad(doing, 8), screen.Took(time.Since(since)))
	})
}

// closed returns the steps of a deployment. One that runs has them all behind it, also where the row of the last step was
// read a moment too early.
func closed(d api.Deployment) []api.Step {
	steps := slices.Clone(d.Steps)
	for i, s := range steps {
		if d.State == string(sdp.Running) && s.State == string(sdp.StepRunning) {
			steps[i].State, steps[i].FinishedAt = string(sdp.StepDone), d.FinishedAt
		}
	}
	return steps
}

func ended(s api.Step) bool {
	switch sdp.StepState(s.State) {
	case sdp.StepDone, sdp.StepCached, sdp.StepFailed, sdp.StepCancelled:
		return true
	}
	return false
}

// current says what a deployment is doing: the running step, or what it waits for.
func current(d api.Deployment) string {
	for _, s := range d.Steps {
		if s.State == string(sdp.StepRunning) {
			return s.Name
		}
	}
	if d.WaitingFor != "" {
		return "queued behind " + d.WaitingFor
	}
	return strings.ToLower(d.State)
}

func (w *watcher) stepLine(d api.Deployment, s api.Step) string {
	took := ""
	if !s.StartedAt.IsZero() && !s.FinishedAt.IsZero() && s.State != string(sdp.StepCached) {
		took = screen.Took(s.FinishedAt.Sub(s.StartedAt))
	}
	mark, style := w.mark(s.State)
	line := fmt.Sprintf("%s %s  %s  %s  %s", w.screen.Paint(style, mark), screen.Pad(d.Service, w.width),
		screen.Pad(s.Name, len(sdp.StepCheckout)), screen.Pad(took, 6), w.screen.Paint(screen.Dim, s.Detail))
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

func (w *watcher) endLine(d api.Deployment) string {
	mark, style := w.mark(d.State)
	text := d.State
	if d.State == string(sdp.Running) {
		text += " " + revision(d) + " @ " + sdp.ShortSHA(d.SHA)
	} else if d.Failure != nil && d.Failure.Step != "" {
		text += " at " + d.Failure.Step
	}
	if !d.FinishedAt.IsZero() {
		text += " after " + screen.Took(d.FinishedAt.Sub(d.CreatedAt))
	}
	return fmt.Sprintf("%s %s  %s", w.screen.Paint(style, mark), screen.Pad(d.Service, w.width), w.screen.Paint(style, text))
}

func (a *App) outcome(ended []api.Deployment) error { return Outcome(a.Screen, ended) }

// Outcome explains every deployment that did not end well and returns ErrShown if there is one.
func Outcome(s *screen.Screen, ended []api.Deployment) error {
	var err error
	for _, d := range ended {
		if d.State == string(sdp.Running) {
			continue
		}
		err = ErrShown
		explain(s, d)
	}
	return err
}

// maxOutput is how many lines of a compiler's or container's output a failure shows; the log has all of it.
const maxOutput = 25

func explain(s *screen.Screen, d api.Deployment) {
	what := fmt.Sprintf("%s (%s) %s", d.Service, revision(d), strings.ToLower(d.State))
	f := d.Failure
	if f == nil {
		f = &api.Failure{}
	}
	if f.Step != "" {
		what += " at " + f.Step
	}
	if f.Detail != "" {
		what += ": " + f.Detail
	}
	fmt.Fprintf(s.Err, "\n%s %s\n", s.Paint(screen.Red, "Error:"), what)
	showOutput(s, f.Output)
	if f.Remedy != "" {
		s.Hint(f.Remedy)
	}
	s.Hint("the whole log: sdp logs " + d.ID)
}

func showOutput(s *screen.Screen, output string) {
	if output == "" {
		return
	}
	lines := strings.Split(strings.TrimRight(output, "\n"), "\n")
	if n := len(lines) - maxOutput; n > 0 {
		lines = append([]string{fmt.Sprintf("... %d more lines are in the log", n)}, lines[n:]...)
	}
	for _, line := range lines {
		fmt.Fprintln(s.Err, "  | "+line)
	}
}
