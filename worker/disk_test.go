package worker

import (
	"testing"

	"sdp/internal/sdp"
)

// pruning is a machine whose worker could remove its image: nothing needs it.
func pruning(t *testing.T, mark int) *machine {
	t.Helper()
	m := newMachine(t)
	m.config.Images.Watermark = mark
	m.image = sdp.ImageName("worker-test", commit, sdp.NewID(""))
	m.assemble(m.image)
	return m
}

func (m *machine) hasImage() bool {
	m.t.Helper()
	_, found, err := m.runtime.ImageInfo(m.t.Context(), m.image)
	if err != nil {
		m.t.Fatal(err)
	}
	return found
}

func TestWatermarkPrunes(t *testing.T) {
	m := pruning(t, 85)
	if used := m.imagesUsed(t.Context()); used < 1 || used > 100 {
		t.Errorf("the disk is %d%% full", used)
	}
	for _, used := range []int{0, 85} {
		if err := m.pruneAbove(t.Context(), used); err != nil || !m.hasImage() {
			t.Fatalf("pruned at %d%%: %v", used, err)
		}
	}
	// Without knowing what is needed nothing goes.
	m.control.set(func(c *controlPlane) { c.down = true })
	if err := m.pruneAbove(t.Context(), 99); sdp.KindOf(err) != sdp.Unavailable || !m.hasImage() {
		t.Fatalf("pruned without the server: %v", err)
	}
	m.control.set(func(c *controlPlane) {
		c.down, c.needed = false, sdp.NeededImages{Images: map[string][]string{m.image: {"a snapshot"}}}
	})
	if err := m.pruneAbove(t.Context(), 99); err != nil || !m.hasImage() {
		t.Fatalf("pruned what is needed: %v", err)
	}
	if told := m.control.pruned; len(told) > 0 {
		t.Errorf("reported %+v although nothing went", told)
	}
	m.control.set(func(c *controlPlane) { c.needed = sdp.NeededImages{} })
	if err := m.pruneAbove(t.Context(), 86); sdp.KindOf(err) != sdp.Unavailable || !m.hasImage() {
		t.Fatalf("pruned without being told what is needed: %v", err)
	}
	m.control.set(func(c *controlPlane) { c.needed.Images = map[string][]string{} })
	if err := m.pruneAbove(t.Context(), 86); err != nil || m.hasImage() {
		t.Fatalf("did not prune: %v", err)
	}
	if told := m.control.pruned; len(told) != 1 || told[0].Used != 86 || told[0].Watermark != 85 || told[0].Problem != "" ||
		len(told[0].Report.Removed) != 1 || told[0].Report.Removed[0].Name != m.image {
		t.Errorf("reported %+v", told)
	}
}

func TestWatermarkZeroNeverPrunes(t *testing.T) {
	m := pruning(t, 0)
	if err := m.pruneAbove(t.Context(), 100); err != nil || !m.hasImage() {
		t.Errorf("pruned: %v", err)
	}
}
