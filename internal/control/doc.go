// Package control holds the use cases: all that people, schedules and the system itself can ask of sandboxes. It plans,
// checks, writes what was accepted to the database and hands it to the Engine, which does it durably. Whoever asks (the
// HTTP API, an activity) only decodes and shows.
//
// A use case is an exported method of Control that takes a *Call: who asks (an Actor, a person or the system with its
// reason) and what the audit will say of it. Before it does anything it passes one seam, permit, which knows the actor,
// the action and what it is done to. Exported methods without a Call only read.
//
// There is a file for each subject; the package is larger than others because the use cases share the checks of names,
// nodes and repositories.
package control
