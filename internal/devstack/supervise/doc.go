// Package supervise keeps child processes running.
//
// A Supervisor starts children one after the other, each once the one before is ready, and starts one again that dies,
// whatever killed it. It stops them in reverse order. A child is a process group of its own, writes into a log file that
// rotates, and gets a signal from the kernel when its parent dies, so that none outlives this program even if that is
// killed with SIGKILL. What is run is internal/devstack's.
package supervise
