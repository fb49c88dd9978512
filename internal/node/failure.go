package node

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"sdp/internal/logs/mask"
	"sdp/internal/sdp"
)

// OutputError is a failure of the user's own code together with the last lines it printed.
type OutputError struct {
	Err    error
	Output string // secrets masked
}

func (e *OutputError) Error() string { return e.Err.Error() }

// Unwrap returns the failure itself.
func (e *OutputError) Unwrap() error { return e.Err }

// outputTail is how much of a compiler's or container's output a failure carries, in bytes.
const outputTail = 4 << 10

// masked takes secrets out of what a failure says: a compiler quotes what it rejects, a Dockerfile's build the command
// that failed, and both may hold a secret somebody has written there.
func masked(err error, m *mask.Masker) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	e := *sdp.AsError(err)
	detail, remedy := m.Mask(e.Detail), m.Mask(e.Remedy)
	if detail == e.Detail && remedy == e.Remedy {
		return err
	}
	e.Detail, e.Remedy = detail, remedy
	var out *OutputError
	if errors.As(err, &out) {
		return &OutputError{Err: &e, Output: out.Output}
	}
	return &e
}

func diskFull(node, detail string) *sdp.Error {
	return sdp.Errorf(sdp.Exhausted, "disk-full", "the disk of node %s is full: %s", node, detail).
		WithRemedy("free space there (`sdp images prune` removes what nothing needs, `docker system df` shows what is left), then deploy again")
}

// diskError makes a full disk recognisable in whatever failed because of it.
func diskError(node, doing string, err error) error {
	var known *sdp.Error
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return diskFull(node, doing)
	case errors.As(err, &known), errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%s: %w", doing, err)
}
