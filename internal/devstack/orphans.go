package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"sdp/internal/sdp"
)

// orphansPatience is how long PostgreSQL processes of a killed run may take to end by themselves; they are then made to.
const orphansPatience = 10 * time.Second

// settleOrphans waits until no PostgreSQL runs on dir any more: after a kill -9 of `sdp up` it may still be shutting
// down. It then removes a PID file left behind, because its number may be another process's by now, and PostgreSQL
// would take that for itself. Nobody else starts one: the caller holds the lock.
func settleOrphans(ctx context.Context, dir string) error {
	for step, sig := range []syscall.Signal{0, syscall.SIGQUIT, syscall.SIGKILL} {
		gone, err := awaitNone(ctx, dir, sig)
		if err != nil {
			return err
		}
		if gone {
			break
		}
		if step == 2 {
			return sdp.Errorf(sdp.Conflict, "postgresql-left",
				"PostgreSQL processes of an earlier run on %s do not end: %v", dir, running(dir)).
				WithRemedy("end them by hand and try again")
		}
	}
	err := os.Remove(filepath.Join(dir, "postmaster.pid"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

// awaitNone sends sig, if it is one, to what runs on dir and waits until nothing does or the patience is over.
func awaitNone(ctx context.Context, dir string, sig syscall.Signal) (gone bool, err error) {
	for _, pid := range running(dir) {
		if sig != 0 {
			_ = syscall.Kill(pid, sig)
		}
	}
	for deadline := time.Now().Add(orphansPatience); time.Now().Before(deadline); {
		if len(running(dir)) == 0 {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return false, nil
}

// running returns the PostgreSQL processes, postmaster and backends, that work in dir.
func running(dir string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		// Errors mean that the process has just ended or belongs to somebody else. One that is ending loses its program
		// first, then the shared memory for which a new postmaster refuses to start, then its directory.
		cwd, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
		program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
		if cwd == dir && (filepath.Base(program) == "postgres" || errors.Is(err, os.ErrNotExist)) {
			pids = append(pids, pid)
		}
	}
	return pids
}
