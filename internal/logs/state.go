package logs

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
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
	tmp := filepath.Join(e.spool.dir, "."+e.name+".state") // only this process writes here
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if sync && err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, e.path(".state"))
	}
	if err != nil {
		return errors.Join(err, removeIfExists(tmp))
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
