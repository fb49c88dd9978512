package logs

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"sdp/internal/atomicfile"
)

// state is what must be remembered of a stream besides its data. It is small and replaced as a whole.
type state struct {
	Base        int64     `json:"base"`        // offset of the data file's first byte
	Shipped     int64     `json:"shipped"`     // the server has everything before this offset; may lag behind the truth
	Final       bool      `json:"final"`       // nothing more will be written
	DeliveredAt time.Time `json:"deliveredAt"` // when the server confirmed the end of a final stream; zero = not yet
	Pruned      bool      `json:"pruned"`      // the data file is deleted, or about to be
}

// readState returns the zero state where there is none, or none that can be read: the server then tells the offset.
func readState(path string) state {
	var s state
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			slog.Warn("Log state was unreadable", "file", filepath.Base(path), "error", err)
		}
		return state{}
	}
	return s
}

// saveEvery limits how often progress is saved. A restart from an older offset costs one request: the server answers
// with the right one.
const saveEvery = time.Second

// save replaces the state file, durably if sync is set. The caller holds e.mu.
func (e *entry) save(sync bool) error {
	raw, err := json.Marshal(e.state)
	if err != nil {
		return err
	}
	write := atomicfile.WriteLazily
	if sync {
		write = atomicfile.Write
	}
	if err := write(e.path(".state"), raw, 0o600); err != nil {
		return err
	}
	e.unsaved, e.savedAt = false, time.Now()
	return nil
}

func (e *entry) saveIfNewer() error {
	if !e.unsaved {
		return nil
	}
	return e.save(false)
}
