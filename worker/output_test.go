package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/containers"
	"sdp/internal/sdp"
)

func testContext(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// follow runs the copying of output as a worker's process does, until the returned function ends that process.
func (m *machine) follow() (end func()) {
	m.t.Helper()
	ctx, cancel := testContext(m.t)
	ended := make(chan error, 1)
	go func() { ended <- m.node.Output.Run(ctx) }()
	return func() {
		m.t.Helper()
		cancel()
		if err := <-ended; err != nil {
			m.t.Error(err)
		}
		if err := m.spool.Close(); err != nil {
			m.t.Error(err)
		}
	}
}

// lines reads what the spool has of a container's output, without the timestamps.
func (m *machine) lines(deployment string) []string {
	m.t.Helper()
	raw, err := os.ReadFile(filepath.Join(m.config.Data, "logs", sdp.ContainerStream(deployment)+".log"))
	if err != nil && !os.IsNotExist(err) {
		m.t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(raw)) {
		if !strings.HasSuffix(line, "\n") {
			break // still being written
		}
		stamp, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil {
			m.t.Fatalf("line %q has no timestamp", line)
		}
		out = append(out, text)
	}
	return out
}

// The worker is stopped and started again, more than once, while a container prints: every line is there, in order,
// and once.
func TestOutputGoesOnWhereItStopped(t *testing.T) {
	m := newMachine(t)
	const count = 3000
	c := m.start("d1", fmt.Sprint("COUNT=", count))
	for restart := range 3 {
		end := m.follow()
		m.node.Output.Follow(c)
		eventually(t, "output", func() bool { return len(m.lines("d1")) > (restart+1)*200 })
		end()
		m.openOutput()
	}
	end := m.follow()
	defer end()
	m.node.Output.Follow(c)
	eventually(t, "all output", func() bool { return len(m.lines("d1")) >= count })
	for i, line := range m.lines("d1") {
		if want := fmt.Sprint("number ", i); line != want {
			t.Fatalf("line %d is %q, want %q", i, line, want)
		}
	}
}

func TestFollowingTwiceCopiesOnce(t *testing.T) {
	m := newMachine(t)
	defer m.follow()()
	c := m.start("d1", "COUNT=100")
	for range 20 {
		m.node.Output.Follow(c)
	}
	eventually(t, "all output", func() bool { return len(m.lines("d1")) >= 100 })
	if got := len(m.lines("d1")); got != 100 {
		t.Errorf("%d lines, want 100", got)
	}
}

// What is secret in a container is masked, whether its output is followed from its start on or by a worker that found it
// running, which a list of containers tells little about.
func TestSecretsInOutputAreMasked(t *testing.T) {
	m := newMachine(t)
	m.files = []containers.File{{Path: "/etc/app/key", Content: []byte("first-line-of-the-key\nsecond-line-of-the-key\n")}}
	c := m.start("d1", "SECRET=correct-horse-battery")
	list, err := m.runtime.List(t.Context())
	if err != nil || len(list) != 1 {
		t.Fatalf("containers %+v, %v", list, err)
	}
	for name, c := range map[string]containers.Container{"started": c, "found": list[0]} {
		t.Run(name, func(t *testing.T) {
			m.t = t
			if err := m.spool.Close(); err != nil {
				t.Fatal(err)
			}
			m.openOutput()
			defer m.follow()()
			m.node.Output.Follow(c)
			eventually(t, "output", func() bool { return len(m.lines("d1")) > 2 })
			got := strings.Join(m.lines("d1"), "\n")
			if strings.Contains(got, "correct-horse") || strings.Contains(got, "of-the-key") || !strings.Contains(got, "the secret is") {
				t.Errorf("the log shows %q", got)
			}
			if err := os.RemoveAll(filepath.Join(m.config.Data, "logs")); err != nil {
				t.Error(err)
			}
		})
	}
}

// A stopped container may be started again; its output is complete only when it is gone.
func TestOutputIsFinalWhenTheContainerIsGone(t *testing.T) {
	m := newMachine(t)
	defer m.follow()()
	c := m.start("d1", "COUNT=10")
	m.node.Output.Follow(c)
	eventually(t, "output", func() bool { return len(m.lines("d1")) == 10 })
	if err := m.runtime.Stop(t.Context(), c.ID, time.Second); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the copy to pause", func() bool { return !m.node.Output.Follows(c.ID) })
	again, err := m.runtime.StartExisting(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	m.node.Output.Follow(again)
	eventually(t, "output of the second run", func() bool { return len(m.lines("d1")) == 20 })
	if err := m.runtime.Remove(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the copy to end", func() bool { return !m.node.Output.Follows(c.ID) })
	r := m.reconciler()
	m.round(r)
	if m.final("d1") {
		t.Error("one round that did not see the container was enough")
	}
	m.round(r)
	if !m.final("d1") {
		t.Error("the stream is not final after two rounds without the container")
	}
}

// A worker that was away while the container went finds its unfinished stream when it is back.
func TestOutputIsCompletedAfterARestart(t *testing.T) {
	m := newMachine(t)
	end := m.follow()
	c := m.start("d1", "COUNT=10")
	m.node.Output.Follow(c)
	eventually(t, "output", func() bool { return len(m.lines("d1")) == 10 })
	end()
	if err := m.runtime.Remove(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	m.openOutput()
	r := m.reconciler()
	m.round(r)
	m.round(r)
	if !m.final("d1") {
		t.Error("the stream is not final")
	}
}

// final reports whether the spool has a container's stream as complete.
func (m *machine) final(deployment string) bool {
	m.t.Helper()
	raw, err := os.ReadFile(filepath.Join(m.config.Data, "logs", sdp.ContainerStream(deployment)+".state"))
	var state struct{ Final bool }
	return err == nil && json.Unmarshal(raw, &state) == nil && state.Final
}
