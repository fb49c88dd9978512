package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sdp/internal/containers"
	"sdp/internal/logs"
	"sdp/internal/wire"
)

func silent(string) {}

// build is one that the test ends.
type build struct {
	began, end chan struct{}
	ended      chan error
	said       []string
}

func (s *Slots) begin(ctx context.Context) *build {
	b := &build{began: make(chan struct{}), end: make(chan struct{}), ended: make(chan error, 1)}
	go func() {
		b.ended <- s.during(ctx, b.deployment(), func(text string) { b.said = append(b.said, text) }, func() error {
			close(b.began)
			<-b.end
			return nil
		})
	}()
	synctest.Wait()
	return b
}

func (b *build) deployment() string { return fmt.Sprintf("d-%p", b) }

func (b *build) runs() bool {
	synctest.Wait()
	select {
	case <-b.began:
		return true
	default:
		return false
	}
}

func (b *build) finish() {
	close(b.end)
	<-b.ended
	synctest.Wait()
}

func TestBuildsGetTheirSlotsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(2, nil)
		var all []*build
		for range 5 {
			all = append(all, s.begin(t.Context()))
		}
		for i := range all {
			for j, b := range all {
				if want := j < i+2; b.runs() != want {
					t.Errorf("after %d builds have ended, build %d runs: %v, want %v", i, j, !want, want)
				}
			}
			all[i].finish()
		}
		if want := []string{"waiting for a build slot: 3 before it"}; !slices.Equal(all[3].said, want) {
			t.Errorf("the fourth said %q", all[3].said)
		}
		if waiting := s.Waiting(); len(waiting) > 0 {
			t.Errorf("in the end %v wait", waiting)
		}
	})
}

// What waits is told anew as the line moves on.
func TestWaitingBuildsSayWhatFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, nil)
		first, second, third := s.begin(t.Context()), s.begin(t.Context()), s.begin(t.Context())
		want := map[string]string{second.deployment(): "a build slot: 1 before it", third.deployment(): "a build slot: 2 before it"}
		if got := s.Waiting(); !maps.Equal(got, want) {
			t.Errorf("waiting %v, want %v", got, want)
		}
		first.finish()
		want = map[string]string{third.deployment(): "a build slot: 1 before it"}
		if got := s.Waiting(); !maps.Equal(got, want) {
			t.Errorf("then waiting %v, want %v", got, want)
		}
		second.finish()
		third.finish()
	})
}

func TestCancelledBuildLeavesTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, nil)
		ctx, cancel := context.WithCancel(t.Context())
		first, second, third := s.begin(t.Context()), s.begin(ctx), s.begin(t.Context())
		cancel()
		if err := <-second.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the second ended with %v", err)
		}
		first.finish()
		if !third.runs() {
			t.Error("the third waits for one that is gone")
		}
		third.finish()
	})
}

func TestNoFurtherBuildBeginsUnderPressureAndOneAlwaysMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		short := "memory is short"
		var mu sync.Mutex
		s := newSlots(3, func() string { mu.Lock(); defer mu.Unlock(); return short })
		first, second := s.begin(t.Context()), s.begin(t.Context())
		if !first.runs() || second.runs() {
			t.Error("want the first to run and the second to wait")
		}
		if want := []string{"waiting for a build slot: memory is short"}; !slices.Equal(second.said, want) {
			t.Errorf("the second said %q", second.said)
		}
		mu.Lock()
		short = ""
		mu.Unlock()
		time.Sleep(lookEvery)
		if !second.runs() {
			t.Error("the second waits although nothing is short any more")
		}
		first.finish()
		second.finish()
	})
}

func TestMoreSlotsAreUsedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, nil)
		first, second := s.begin(t.Context()), s.begin(t.Context())
		s.SetLimit(2)
		if !second.runs() {
			t.Error("the second waits")
		}
		first.finish()
		second.finish()
	})
}

// Where a node is to be idle, what runs ends and nothing else begins.
func TestHeldSlotsBecomeIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(2, nil)
		if err := s.claim(t.Context(), "image", "d1", silent); err != nil {
			t.Fatal(err)
		}
		first := s.begin(t.Context())
		s.Hold()
		if err := s.claim(t.Context(), "another", "d2", silent); err != nil {
			t.Fatal(err)
		}
		second := s.begin(t.Context())
		if second.runs() || s.Idle() {
			t.Error("want the first to run and the second to wait")
		}
		first.finish()
		s.park("d1")
		if s.Idle() {
			t.Error("idle between two steps of a deployment")
		}
		s.drop("d1")
		if second.runs() || !s.Idle() {
			t.Error("not idle though only one waits")
		}
		s.SetLimit(2)
		if !second.runs() {
			t.Error("the second waits")
		}
		second.finish()
	})
}

func TestAnImageIsMadeByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, nil)
		var order []string
		var group sync.WaitGroup
		for i := range 3 {
			deployment := fmt.Sprint("d", i)
			group.Go(func() {
				if err := s.claim(t.Context(), "image", deployment, silent); err != nil {
					t.Error(err)
				}
				order = append(order, deployment)
			})
			synctest.Wait()
		}
		if err := s.claim(t.Context(), "another", "d9", silent); err != nil {
			t.Error(err)
		}
		for i := range 3 {
			if len(order) != i+1 {
				t.Errorf("%d have the image: %q", i+1, order)
			}
			s.drop(fmt.Sprint("d", i))
			synctest.Wait()
		}
		group.Wait()
		if !slices.Equal(order, []string{"d0", "d1", "d2"}) {
			t.Errorf("order %q", order)
		}
		s.drop("d9")
		if len(s.images) > 0 {
			t.Errorf("left %v", s.images)
		}
	})
}

func TestClaimOutlastsItsStepAndNotItsDeployment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, nil)
		claimed := make(chan error, 1)
		if err := s.claim(t.Context(), "image", "d1", silent); err != nil {
			t.Fatal(err)
		}
		go func() { claimed <- s.claim(t.Context(), "image", "d2", silent) }()
		time.Sleep(10 * parkLimit)
		s.park("d1")
		time.Sleep(parkLimit - time.Second)
		select {
		case <-claimed:
			t.Fatal("the claim was lost between two steps")
		default:
		}
		if err := s.claim(t.Context(), "image", "d1", silent); err != nil { // the next step
			t.Fatal(err)
		}
		time.Sleep(10 * parkLimit)
		s.park("d1")
		time.Sleep(parkLimit + 2*lookEvery) // and now it is lost
		if err := <-claimed; err != nil {
			t.Error(err)
		}
	})
}

func TestWhoGivesUpWaitingForAnImageIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1, nil)
		ctx, cancel := context.WithCancel(t.Context())
		if err := s.claim(t.Context(), "image", "d1", silent); err != nil {
			t.Fatal(err)
		}
		claimed := make(chan error, 1)
		go func() { claimed <- s.claim(ctx, "image", "d2", silent) }()
		synctest.Wait()
		cancel()
		if err := <-claimed; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		s.drop("d1")
		if err := s.claim(t.Context(), "image", "d3", silent); err != nil {
			t.Error(err)
		}
	})
}

func TestPressureIsWhatTheKernelSays(t *testing.T) {
	t.Parallel()
	psi := func(avg10 string) string {
		return "some avg10=" + avg10 + " avg60=1.00 avg300=1.00 total=7\nfull avg10=0.00\n"
	}
	limits := Pressure{CPU: 90, Memory: 10, Free: 512 << 20}
	for name, c := range map[string]struct {
		limits      Pressure
		cpu, memory string // "" = a kernel without PSI
		free        int    // MB
		want        string
	}{
		"none":                   {limits, psi("89.5"), psi("0.00"), 4096, ""},
		"processors":             {limits, psi("90.50"), psi("0.00"), 4096, "builds.pressure.cpu"},
		"memory":                 {limits, psi("1.00"), psi("10.01"), 4096, "builds.pressure.memory"},
		"little memory":          {limits, psi("1.00"), psi("0.00"), 511, "511 MB of memory are available"},
		"no PSI":                 {limits, "", "", 4096, ""},
		"no PSI, little memory":  {limits, "", "", 100, "builds.pressure.free"},
		"just over":              {limits, psi("90.04"), psi("0.00"), 4096, "91% of the time, more than the 90%"},
		"nothing is looked at":   {Pressure{}, psi("99.00"), psi("99.00"), 1, ""},
		"PSI that is unreadable": {limits, "some avg10=?", "nonsense", 4096, ""},
	} {
		proc := t.TempDir()
		write(t, filepath.Join(proc, "meminfo"), fmt.Sprintf("MemTotal: 9000000 kB\nMemFree: 1 kB\nMemAvailable: %d kB\n", c.free<<10), 0o600)
		for file, text := range map[string]string{"cpu": c.cpu, "memory": c.memory} {
			if text != "" {
				write(t, filepath.Join(proc, "pressure", file), text, 0o600)
			}
		}
		if got := c.limits.over(proc); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := limits.over(t.TempDir()); got != "" {
		t.Errorf("a machine that says nothing is %q", got)
	}
}

// imageStore keeps images for the deployments of a test, and nothing else.
type imageStore struct {
	Runtime
	mu     sync.Mutex
	images map[string]containers.Image
}

func (s *imageStore) ImageInfo(_ context.Context, ref string) (containers.Image, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.images[ref]
	return i, found, nil
}

func (s *imageStore) AssembleGoImage(_ context.Context, g containers.GoImage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.images[g.Ref] = containers.Image{Labels: g.Labels}
	return nil
}

func (s *imageStore) RemoveDeployment(context.Context, string) error { return nil }

// made runs the steps of a deployment that make its image.
func (y *yard) made(ctx context.Context, deployment string) (cached bool, err error) {
	in := wire.Job{Deployment: deployment, Repository: "account", SHA: commitSHA, Image: "sdp/account:x"}
	write(y.t, filepath.Join(y.Sources.checkoutDir(deployment), "go.mod"), "module account\n", 0o644)
	err = y.Logs.During(deployment, nil, func(log *logs.Stream) error {
		if cached, err = y.Images.Build(ctx, in, log); err != nil {
			return err
		}
		return y.Images.Make(ctx, in, log)
	})
	if err != nil {
		err = errors.Join(err, y.Containers.Discard(context.WithoutCancel(ctx), deployment))
	}
	return cached, err
}

// Forty deployments of one commit are one build. The first one's is cancelled, the next one's fails: it does not compile on
// its first run.
func TestOneCommitIsBuiltOnce(t *testing.T) {
	y := newYard(t, nil)
	y.equip(func(c *Config) { c.Runtime, c.Builds = &imageStore{images: map[string]containers.Image{}}, 4 })
	out := y.toolchain(`echo run >> $OUT/runs
case $(wc -l < $OUT/runs) in
1) exec sleep 1000 ;;
2) echo 'main.go:1:1: no' >&2; exit 1 ;;
esac
mkdir -p .sdp-build && echo binary > .sdp-build/service
`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var group sync.WaitGroup
	var mu sync.Mutex
	built, reused, cancelled, failed := 0, 0, 0, 0
	deploy := func(ctx context.Context, deployment string) {
		cached, err := y.made(ctx, deployment)
		mu.Lock()
		defer mu.Unlock()
		switch {
		case errors.Is(err, context.Canceled):
			cancelled++
		case err != nil:
			failed++
		case cached:
			reused++
		default:
			built++
		}
	}
	group.Go(func() { deploy(ctx, "d1") })
	eventually(t, "the first build to run", func() bool { return strings.Contains(y.log(), "[BUILD] go build") })
	for i := range 39 {
		group.Go(func() { deploy(t.Context(), fmt.Sprint("d", i+2)) })
	}
	y.waitFor(39)
	cancel()
	group.Wait()
	if cancelled != 1 || failed != 1 || built != 1 || reused != 37 {
		t.Errorf("%d were cancelled, %d failed, %d built, %d used the image", cancelled, failed, built, reused)
	}
	if runs := strings.Count(read(t, filepath.Join(out, "runs")), "run"); runs != 3 {
		t.Errorf("go was run %d times", runs)
	}
	left, err := os.ReadDir(y.Sources.checkouts())
	if err != nil || len(left) > 0 || len(y.Slots.images) > 0 || y.Slots.Running() > 0 {
		t.Errorf("left checkouts %v (%v), makers %v, %d running", left, err, y.Slots.images, y.Slots.Running())
	}
}

// waitFor waits until so many deployments wait for the image.
func (y *yard) waitFor(n int) {
	eventually(y.t, "all to wait", func() bool {
		y.Slots.mu.Lock()
		defer y.Slots.mu.Unlock()
		return len(y.Slots.images["sdp/account:x"]) == n+1
	})
}

// What was built is put into an image without a slot: the slots may all be taken for long.
func TestAssemblyNeedsNoSlot(t *testing.T) {
	y := newYard(t, nil)
	y.equip(func(c *Config) { c.Runtime, c.Builds = &imageStore{images: map[string]containers.Image{}}, 1 })
	in := wire.Job{Deployment: "d1", Repository: "account", SHA: commitSHA, Image: "sdp/account:x"}
	write(t, filepath.Join(y.Sources.checkoutDir("d1"), ".sdp-build/service"), "binary", 0o755)
	err := y.Slots.during(t.Context(), "d-first", silent, func() error {
		return y.Logs.During("d1", nil, func(log *logs.Stream) error { return y.Images.Make(t.Context(), in, log) })
	})
	if err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(y.Sources.checkoutDir("d1")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the checkout is left: %v", err)
	}
}
