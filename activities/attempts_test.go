package activities

import (
	"context"
	"errors"
	"os"
	"slices"
	"testing"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"

	"sdp/internal/failure"
)

// A step that Temporal has given up and begun anew does not run twice at once on the node.
func TestNewerAttemptEndsTheOlder(t *testing.T) {
	a, err := openAttempts(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	older, _, endOlder := a.begin(t.Context(), "build", []byte("1"))
	other, _, endOther := a.begin(t.Context(), "image", []byte("2"))
	defer endOther()
	cleaned := make(chan struct{})
	go func() {
		<-older.Done()
		close(cleaned)
		endOlder()
	}()
	newer, _, endNewer := a.begin(t.Context(), "build", []byte("3"))
	defer endNewer()
	select {
	case <-cleaned:
	default:
		t.Error("the newer attempt began before the older had ended")
	}
	if !errors.Is(context.Cause(older), errSuperseded) || newer.Err() != nil || other.Err() != nil {
		t.Errorf("the older ended with %v, the newer with %v, another step with %v", context.Cause(older), newer.Err(), other.Err())
	}
}

// temporalOf answers for each token what the test wants, in order.
type temporalOf struct {
	client.Client
	answers map[string][]error
	said    []string
}

func (c *temporalOf) CompleteActivity(_ context.Context, token []byte, _ any, err error) error {
	c.said = append(c.said, string(token))
	if f, found := failure.Of(err); !retried(err) || !found || f.Code != "worker-lost" {
		return serviceerror.NewNotFound("it is not said that the worker was lost")
	}
	answers := c.answers[string(token)]
	if len(answers) == 0 {
		return nil
	}
	c.answers[string(token)] = answers[1:]
	return answers[0]
}

// What a killed worker ran is reported by the next one, once: not what has ended, and not what that one runs itself.
func TestLostAttemptsAreReported(t *testing.T) {
	dir := t.TempDir()
	killed, err := openAttempts(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, _, end := killed.begin(t.Context(), "fetch", []byte("ended"))
	end()
	killed.begin(t.Context(), "build", []byte("lost"))
	killed.begin(t.Context(), "start", []byte("unknown"))
	next, err := openAttempts(dir)
	if err != nil {
		t.Fatal(err)
	}
	next.begin(t.Context(), "route", []byte("of the next"))
	c := &temporalOf{answers: map[string][]error{
		"lost": {serviceerror.NewUnavailable("not yet"), nil}, "unknown": {serviceerror.NewNotFound("it has ended")}}}
	h := &Host{node: newSite(t).host.node, attempts: next}
	ReportLost(t.Context(), h, c)
	slices.Sort(c.said)
	if !slices.Equal(c.said, []string{"lost", "lost", "unknown"}) {
		t.Errorf("reported %q", c.said)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left %v, %v; want what the next one runs", left, err)
	}
}
