package docker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"sdp/internal/containers"
)

type line struct {
	ts   time.Time
	text string
}

// Follow gives every line once, long ones in one piece, and goes on after the last one it gave.
func TestFollow(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx := context.Background()
	ct := start(t, c, spec(t, c, "MODE=print"))
	healthy(t, c, ct)
	lines := make(chan line, 16)
	ended := make(chan error, 1)
	go func() {
		ended <- c.Follow(ctx, ct.ID, time.Time{}, func(ts time.Time, text []byte) { lines <- line{ts, string(text)} })
	}()
	var got []line
	for range 3 {
		got = append(got, <-lines)
	}
	want := []string{"first", strings.Repeat("x", 100_000), "problem"}
	if texts := texts(got); !sameText(texts, want) {
		t.Errorf("lines = %.80q", texts)
	}
	if err := c.Stop(ctx, ct.ID, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the end of the container: %v", err)
	}
	close(lines)
	for l := range lines {
		got = append(got, l)
	}
	if last := got[len(got)-1].text; len(got) != 4 || last != "no endbye" {
		t.Errorf("%d lines, the last %q", len(got), last)
	}

	var again []line
	latest := slices.MaxFunc(got[:3], func(a, b line) int { return a.ts.Compare(b.ts) }).ts
	err := c.Follow(ctx, ct.ID, latest, func(ts time.Time, text []byte) { again = append(again, line{ts, string(text)}) })
	if err != nil || len(again) != 1 || again[0].text != "no endbye" {
		t.Errorf("after the third line: %.80q, %v", texts(again), err)
	}
	if out := c.Output(ctx, ct.ID, 1); out != "no endbye\n" {
		t.Errorf("output = %.80q", out)
	}
	if out := c.Output(ctx, ct.ID, 100); len(out) > maxOutput || !strings.HasSuffix(out, "no endbye\n") {
		t.Errorf("output of %d bytes = %.80q", len(out), out)
	}
	if out := c.Output(ctx, "gone", 100); out != "" {
		t.Errorf("output of no container = %q", out)
	}
}

func texts(lines []line) (texts []string) {
	for _, l := range lines {
		texts = append(texts, l.text)
	}
	return texts
}

// sameText compares without order: what goes to two streams has none.
func sameText(got, want []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
}

func TestFollowCancel(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ct := start(t, c, spec(t, c, "MODE=hang"))
	ctx, cancel := context.WithCancel(context.Background())
	began := time.Now()
	err := c.Follow(ctx, ct.ID, time.Time{}, func(time.Time, []byte) { cancel() })
	if !errors.Is(err, context.Canceled) || time.Since(began) > 5*time.Second {
		t.Errorf("error = %v after %v", err, time.Since(began))
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	events := c.Events(ctx)
	if e := <-events; e.Action != containers.Resync {
		t.Errorf("the first event is %+v", e)
	}
	s := spec(t, c, "MODE=exit")
	ct := start(t, c, s)
	for e := range events {
		if e.Action != "die" {
			continue
		}
		want := containers.Event{Action: "die", ID: ct.ID, Name: s.Name, Sandbox: s.Sandbox, Service: s.Service, Deployment: s.Deployment,
			ExitCode: 3, At: e.At}
		if e != want || time.Since(e.At) > time.Minute {
			t.Errorf("event = %+v", e)
		}
		cancel()
	}
}
