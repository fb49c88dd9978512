package devstack

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"sdp/internal/sdp"
)

// lock holds the data directory for one `sdp up`. The kernel lets go of it when the process ends, however it ends.
type lock struct{ file *os.File }

// acquire locks the data directory, or returns a Conflict that names the process which has it.
func acquire(data string) (*lock, error) {
	file, err := os.OpenFile(filepath.Join(data, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, sdp.Errorf(sdp.Internal, "no-lock", "locking the data directory %s: %w", data, err)
		}
		return nil, sdp.Errorf(sdp.Conflict, "already-running", "SDP already runs on %s as process %d", data, holder(data)).
			WithRemedy("stop that with Ctrl-C or `kill %d`, or choose another directory with --data", holder(data))
	}
	err = errors.Join(file.Truncate(0), writeAt(file, strconv.Itoa(os.Getpid())+"\n"))
	if err != nil {
		file.Close()
		return nil, err
	}
	return &lock{file: file}, nil
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

func (l *lock) release() error { return l.file.Close() }

// holder is the process that wrote itself into the lock file last, 0 if there is none.
func holder(data string) int {
	raw, err := os.ReadFile(filepath.Join(data, "lock"))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(raw)))
	return pid
}

// acquireStopping is acquire, but asks a process that has the lock to stop, and waits up to limit until it has.
func acquireStopping(ctx context.Context, data string, limit time.Duration) (*lock, error) {
	l, err := acquire(data)
	if err == nil || sdp.KindOf(err) != sdp.Conflict {
		return l, err
	}
	if pid := holder(data); pid > 0 {
		if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
			return nil, sdp.Errorf(sdp.Forbidden, "cannot-stop", "stopping process %d: %w", pid, err).
				WithRemedy("run this as the user who started it")
		}
	}
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); {
		if l, err = acquire(data); err == nil || sdp.KindOf(err) != sdp.Conflict {
			return l, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil, err
}
