// Package devstack is what `sdp up` adds to the roles of SDP: it runs all of them on one machine.
//
// Run takes a data directory for itself (a lock refuses a second one), starts a private PostgreSQL, temporald, the
// server, and for each node a worker and a router, each as a child process of its own, in that order and each once the
// one before is ready. From then on package supervise below it keeps them running: a child that dies is started again,
// whatever killed it. On the way out they are stopped in reverse order, and none outlives Run even if that is killed with
// SIGKILL.
//
//	sdp up ── PostgreSQL
//	       ├─ temporald
//	       ├─ sdp server
//	       ├─ sdp router, sdp worker    of micro-1
//	       ├─ sdp router, sdp worker    of gateway-1
//	       └─ sdp demo git, sdp demo ocp
//
// The children get generated configuration files, the same a person writes for a production machine. Whatever was
// chosen once (ports, passwords, networks) is kept in the data directory, so that a second start, also after a crash,
// comes back as it was.
package devstack
