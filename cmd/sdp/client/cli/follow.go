package cli

import (
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"sdp/api/apiclient"
	"sdp/api/rest"
	"sdp/cmd/sdp/client/view"
	"sdp/cmd/sdp/screen"
	"sdp/internal/sdp"
)

// Follow is the function of that name on the verb's screen.
func (a *App) Follow(ctx context.Context, c *apiclient.Client, ds []rest.Deployment) ([]rest.Deployment, error) {
	return Follow(ctx, a.Screen, c, ds)
}

// Follow shows the steps of deployments until all have settled, and returns them as they ended. Ctrl-C only stops
// watching.
func Follow(ctx context.Context, s *screen.Screen, c *apiclient.Client, ds []rest.Deployment) ([]rest.Deployment, error) {
	w := newWatcher(s)
	defer w.progress.Close()
	return w.follow(ctx, c, ds)
}

func (w *watcher) follow(ctx context.Context, c *apiclient.Client, ds []rest.Deployment) ([]rest.Deployment, error) {
	for _, d := range ds {
		w.width = max(w.width, len(d.Service))
	}
	ended := make([]rest.Deployment, len(ds))
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
	if err := g.Wait(); err != nil {
		return nil, Detach(ctx, err, "No longer watching; the deployment goes on.", goesOn(ds)...)
	}
	return ended, nil
}

func goesOn(ds []rest.Deployment) []string {
	lines := make([]string, len(ds))
	for i, d := range ds {
		lines[i] = fmt.Sprintf("%s: `sdp logs %s -f` follows it, `sdp cancel %s` cancels it", d.Service, d.ID, d.ID)
	}
	return lines
}

// Detached is returned when Ctrl-C ended the watching of something that goes on.
type Detached struct {
	Note string
	Next []string // what to do about it, a line each
}

func (d *Detached) Error() string {
	return strings.Join(append([]string{d.Note}, d.Next...), "\n  -> ")
}

// Problem is d as programs are told of it.
func (d *Detached) Problem() *sdp.Error {
	return sdp.Errorf(sdp.Unavailable, "interrupted", "%s", d.Note).WithRemedy("%s", strings.Join(d.Next, "; "))
}

// Detach returns err, or Detached if it is due to the user's Ctrl-C.
func Detach(ctx context.Context, err error, note string, next ...string) error {
	if ctx.Err() != nil {
		return &Detached{Note: note, Next: next}
	}
	return err
}

// Outcome is the function of that name on the verb's screen.
func (a *App) Outcome(ended []rest.Deployment) error { return Outcome(a.Screen, ended) }

// Outcome explains every deployment that did not end well and returns a Shown if there is one.
func Outcome(s *screen.Screen, ended []rest.Deployment) error {
	var bad []rest.Deployment
	for _, d := range ended {
		if d.State == sdp.Running {
			continue
		}
		bad = append(bad, d)
		if !s.Machine() {
			explain(s, d)
		}
	}
	switch len(bad) {
	case 0:
		return nil
	case 1:
		return &Shown{Problem: unsuccessful(bad[0])}
	}
	return &Shown{Problem: sdp.Errorf(sdp.Failed, "services-failed", "%d of %d deployments did not succeed", len(bad), len(ended)).
		WithRemedy("`sdp history %s` shows each of them", bad[0].Sandbox)}
}

// unsuccessful is a deployment that did not succeed as an error.
func unsuccessful(d rest.Deployment) *sdp.Error {
	if d.Failure != nil {
		return sdp.AsError(apiclient.FailureError(d.Failure))
	}
	return sdp.Errorf(sdp.Failed, "operation-unsuccessful", "deployment %s of %s is %s", d.ID, d.Service, d.State).
		WithRemedy("`sdp history %s` shows what runs", d.Sandbox)
}

// maxOutput is how many lines of a compiler's or container's output a failure shows; the log has all of it.
const maxOutput = 25

func explain(s *screen.Screen, d rest.Deployment) {
	state := strings.ToLower(string(d.State))
	what := fmt.Sprintf("%s (%s) %s", d.Service, view.Revision(d), state)
	f := d.Failure
	if f == nil {
		f = &rest.Failure{}
	}
	if f.Step != "" {
		what += " at " + string(f.Step)
	}
	if by, says := strings.CutPrefix(f.Detail, state+" "); says { // "cancelled by alice"
		what += " " + by
	} else if f.Detail != "" {
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
