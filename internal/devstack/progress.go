package devstack

import "time"

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
