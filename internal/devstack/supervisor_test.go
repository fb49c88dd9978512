package devstack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func testSupervisor(t *testing.T) (*supervisor, *recorder) {
	t.Helper()
	p := newRecorder(t)
	s := &supervisor{logDir: t.TempDir(), progress: p}
	t.Cleanup(func() { s.stop(nil) })
	return s, p
}

func fake(t *testing.T, name string, args ...string) child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return child{
		name: name, argv: append([]string{self}, args...), patience: 10 * time.Second,
		end: sigTerm, death: sigKill, grace: 10 * time.Second,
	}
}

// says is a readiness check: the child's log holds text.
func (s *supervisor) says(name, text string) func(context.Context) error {
	return func(context.Context) error {
		raw, err := os.ReadFile(filepath.Join(s.logDir, name+".log"))
		if err == nil && !strings.Contains(string(raw), text) {
			return errors.New("it has not said so")
		}
		return err
	}
}

func TestChildIsStartedAgainAfterKill(t *testing.T) {
	s, p := testSupervisor(t)
	c := fake(t, "one", "sleep")
	c.ready = s.says("one", "up")
	if err := s.start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		before, _ := s.children[0].current()
		if err := syscall.Kill(before.cmd.Process.Pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if e := p.await("started again"); !strings.Contains(e, "one was ended by signal 9 (killed)") {
			t.Errorf("the event does not say how the child ended: %s", e)
		}
		p.await("one is ready again")
		after, _ := s.children[0].current()
		if after.cmd.Process.Pid == before.cmd.Process.Pid {
			t.Error("the same process was found again")
		}
	}
}

func TestChildThatEndsBeforeItIsReadyIsAnError(t *testing.T) {
	s, _ := testSupervisor(t)
	c := fake(t, "broken", "fail")
	c.ready = func(context.Context) error { return errors.New("not yet") }
	err := s.start(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "the reason") {
		t.Fatalf("got %v", err)
	}
	if err := s.run(t.Context(), fake(t, "once", "fail")); err == nil || !strings.Contains(err.Error(), "the reason") {
		t.Fatalf("run: got %v", err)
	}
}

func TestChildThatIsNeverReadyIsAnError(t *testing.T) {
	s, _ := testSupervisor(t)
	c := fake(t, "slow", "sleep")
	c.patience = 50 * time.Millisecond
	c.ready = func(context.Context) error { return errors.New("no answer") }
	if err := s.start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Fatalf("got %v", err)
	}
}

func TestStopIsInReverseOrderAndKillsTheStubborn(t *testing.T) {
	s, p := testSupervisor(t)
	for _, c := range []child{fake(t, "first", "sleep"), fake(t, "second", "sleep", "stubborn"), fake(t, "third", "sleep")} {
		c.ready = s.says(c.name, "up")
		if c.name == "second" {
			c.grace = 50 * time.Millisecond
		}
		if err := s.start(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	children := s.children
	s.stop(func(name string) bool { return name == "second" })
	if len(s.children) != 2 {
		t.Fatalf("%d children are left, want first and second", len(s.children))
	}
	s.stop(nil)
	p.await("second did not stop within 50ms and was killed")
	for _, k := range children {
		if proc, _ := k.current(); syscall.Kill(proc.cmd.Process.Pid, 0) == nil {
			t.Errorf("%s still runs", k.child.name)
		}
	}
	if err := s.says("first", "down")(t.Context()); err != nil {
		t.Error("first was not asked to stop")
	}
}

func TestLogRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.log")
	l, err := openLog(path, 100)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for range 20 {
		if _, err := l.Write([]byte(strings.Repeat("x", 29) + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	for name, exists := range map[string]bool{"": true, ".1": true, ".3": true, ".4": false} {
		info, err := os.Stat(path + name)
		if (err == nil) != exists || err == nil && info.Size() > 100 {
			t.Errorf("x.log%s: %v, %v", name, info, err)
		}
	}
}

func TestLastWordsAreTheErrorWithItsRemedy(t *testing.T) {
	for text, want := range map[string]string{
		"":         "",
		"one\ntwo": "two",
		"INFO x\nError: bad.yaml:3: no\n  -> mend it": "Error: bad.yaml:3: no\n  -> mend it",
		"Error: old\nError: new\n  -> do":             "Error: new\n  -> do",
	} {
		if got := lastWords(text); got != want {
			t.Errorf("last words of %q: %q, want %q", text, got, want)
		}
	}
}
