package devstack

import (
	"context"
	"errors"
	"time"
)

// Progress is told what happens. Its methods may be called from several goroutines.
type Progress interface {
	// Start says that a step began.
	Start(step string)
	// Done says that the step ended well; detail may be "".
	Done(step, detail string, took time.Duration)
	// Fail says that the step ended with an error, which Run also returns.
	Fail(step string, err error, took time.Duration)
	// Event tells something that is no step: a child died and is started again. It may have more than one line.
	Event(text string)
}

// step runs one step and tells the progress; f returns the detail shown beside it.
func (r *runner) step(name string, f func() (detail string, err error)) error {
	r.progress.Start(name)
	began := time.Now()
	detail, err := f()
	if errors.Is(err, context.Canceled) {
		return err
	}
	if err != nil {
		r.progress.Fail(name, err, time.Since(began))
		return err
	}
	r.progress.Done(name, detail, time.Since(began))
	return nil
}
