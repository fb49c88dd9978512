package supervise

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The test program plays the children: its first argument says what to do.
func TestMain(m *testing.M) {
	switch os.Args[1] {
	case "sleep":
		playSleep(slices.Contains(os.Args, "stubborn"))
	case "fail":
		fmt.Println("first line\nthe reason")
		os.Exit(3)
	default:
		os.Exit(m.Run())
	}
}

// playSleep runs until it is told to stop, or, if it is stubborn, for ever.
func playSleep(stubborn bool) {
	if stubborn {
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("up")
		select {}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	fmt.Println("up")
	<-ctx.Done()
	fmt.Println("down")
}

// recorder keeps what a supervisor tells, for tests to wait on.
type recorder struct {
	t      *testing.T
	events chan string
}

// await returns the first event that contains text, and fails the test if none comes.
func (r *recorder) await(text string) string {
	r.t.Helper()
	deadline := time.After(2 * time.Minute)
	for {
		select {
		case e := <-r.events:
			r.t.Log(e)
			if strings.Contains(e, text) {
				return e
			}
		case <-deadline:
			r.t.Fatalf("nothing said %q", text)
		}
	}
}

func testSupervisor(t *testing.T) (*Supervisor, *recorder) {
	t.Helper()
	r := &recorder{t: t, events: make(chan string, 1000)}
	s := New(t.TempDir(), func(text string) { r.events <- text })
	t.Cleanup(func() { s.Stop(nil) })
	return s, r
}

func fake(t *testing.T, name string, args ...string) Child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Child{
		Name: name, Argv: append([]string{self}, args...), Patience: 10 * time.Second,
		End: syscall.SIGTERM, Death: syscall.SIGKILL, Grace: 10 * time.Second,
	}
}

// says is a readiness check: the child's log holds text.
func (s *Supervisor) says(name, text string) func(context.Context) error {
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
	c.Ready = s.says("one", "up")
	if err := s.Start(t.Context(), c); err != nil {
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
	c.Ready = func(context.Context) error { return errors.New("not yet") }
	err := s.Start(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "the reason") {
		t.Fatalf("got %v", err)
	}
	if err := s.Run(t.Context(), fake(t, "once", "fail")); err == nil || !strings.Contains(err.Error(), "the reason") {
		t.Fatalf("run: got %v", err)
	}
}

func TestChildThatIsNeverReadyIsAnError(t *testing.T) {
	s, _ := testSupervisor(t)
	c := fake(t, "slow", "sleep")
	c.Patience = 50 * time.Millisecond
	c.Ready = func(context.Context) error { return errors.New("no answer") }
	if err := s.Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), "no answer") {
		t.Fatalf("got %v", err)
	}
}

func TestStopIsInReverseOrderAndKillsTheStubborn(t *testing.T) {
	s, p := testSupervisor(t)
	for _, c := range []Child{fake(t, "first", "sleep"), fake(t, "second", "sleep", "stubborn"), fake(t, "third", "sleep")} {
		c.Ready = s.says(c.Name, "up")
		if c.Name == "second" {
			c.Grace = 50 * time.Millisecond
		}
		if err := s.Start(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	children := s.children
	s.Stop(func(name string) bool { return name == "second" })
	if len(s.children) != 2 {
		t.Fatalf("%d children are left, want first and second", len(s.children))
	}
	s.Stop(nil)
	p.await("second did not stop within 50ms and was killed")
	for _, k := range children {
		if proc, _ := k.current(); syscall.Kill(proc.cmd.Process.Pid, 0) == nil {
			t.Errorf("%s still runs", k.child.Name)
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

func TestLastOutputIsTheErrorWithItsRemedy(t *testing.T) {
	for text, want := range map[string]string{
		"":         "",
		"one\ntwo": "two",
		"INFO x\nError: bad.yaml:3: no\n  -> mend it": "Error: bad.yaml:3: no\n  -> mend it",
		"Error: old\nError: new\n  -> do":             "Error: new\n  -> do",
	} {
		if got := lastOutput(text); got != want {
			t.Errorf("last output of %q: %q, want %q", text, got, want)
		}
	}
}
