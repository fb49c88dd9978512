package sdp

import (
	"errors"
	"fmt"
)

// Kind classifies an error by what the caller can do about it. One table in package api maps kinds to HTTP statuses.
type Kind string

const (
	Invalid         Kind = "invalid"         // the request is wrong; sending it again unchanged is pointless
	Unauthenticated Kind = "unauthenticated" // no session, an expired one, or wrong credentials
	Forbidden       Kind = "forbidden"       // signed in, but not allowed
	NotFound        Kind = "not-found"       // the named thing does not exist
	Conflict        Kind = "conflict"        // the thing exists, but its state does not allow this now
	Exhausted       Kind = "exhausted"       // out of ports, disk, or another bounded resource
	Unavailable     Kind = "unavailable"     // a part this depends on (node, git server, Docker) does not answer; retry later
	Failed          Kind = "failed"          // the user's own code failed: it does not compile, start or become healthy
	Internal        Kind = "internal"        // a defect of SDP or its configuration
)

// Error is an error a person reads: what went wrong and what to do about it. Code is stable and machine-readable
// ("branch-not-found"), and package codes has the list of all; Detail is one sentence with the facts; Remedy is one
// sentence that says what to do next; Command is the command line in it that can be run as it is, "" where there is none.
// No field ever holds a secret.
type Error struct {
	Kind    Kind
	Code    string
	Detail  string
	Remedy  string
	Command string
	err     error
}

// Error returns "detail; remedy", the form shown where there is only one line.
func (e *Error) Error() string {
	if e.Remedy == "" {
		return e.Detail
	}
	return e.Detail + "; " + e.Remedy
}

// Unwrap returns the cause, if there is one.
func (e *Error) Unwrap() error { return e.err }

// Errorf returns an Error with a formatted detail. A %w in format becomes the cause.
func Errorf(kind Kind, code, format string, args ...any) *Error {
	wrapped := fmt.Errorf(format, args...)
	return &Error{Kind: kind, Code: code, Detail: wrapped.Error(), err: errors.Unwrap(wrapped)}
}

// WithRemedy returns a copy of e that says what to do. A command line in backquotes becomes its Command, see commandIn.
func (e *Error) WithRemedy(format string, args ...any) *Error {
	c := *e
	c.Remedy = fmt.Sprintf(format, args...)
	c.Command = commandIn(c.Remedy)
	return &c
}

// Failure is e as what a deployment or an operation failed of.
func (e *Error) Failure() Failure {
	return Failure{Kind: e.Kind, Code: e.Code, Detail: e.Detail, Remedy: e.Remedy, Command: e.Command}
}

// Err is the failure as an error.
func (f Failure) Err() *Error {
	return &Error{Kind: f.Kind, Code: f.Code, Detail: f.Detail, Remedy: f.Remedy, Command: f.Command}
}

// AsError returns err as an Error; an error that is none becomes Internal with code "internal".
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Kind: Internal, Code: "internal", Detail: err.Error(), err: err}
}

// KindOf returns the kind of err, Internal where it has none and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	return AsError(err).Kind
}
