// Package sdp is the domain of the Sandbox Deployment Platform: its types, their states and the transitions between
// them, and the names everything else derives from them. It imports the standard library only, so that every other
// package can import it.
//
// # The model
//
// A Node is a machine that runs a worker and a router. A Repository is a git clone configured by hand on one node. A
// Sandbox is a named set of services; each service has a Route that says who answers for it: a container of the
// sandbox, the shared OpenShift environment ("OCP"), or any URL. A Deployment is one run of the pipeline
//
//	resolve -> fetch -> checkout -> build -> image -> start -> route
//
// for one service of one sandbox. Everything else that changes a sandbox (create, restart, stop, route, delete) is an
// Operation. Deployments and operations of one sandbox are ordered by the sandbox's own entity workflow, so a sandbox
// has one writer.
//
// A routing table (wire.RoutingTable) is what routers serve a sandbox from. It is computed from the database, versioned, and
// replaced as a whole, so a router never serves a half-applied change.
//
// # Where to look
//
// This package holds what others name: one file a type with its rules, which is more than a dozen. What is worked out from
// these types is in packages below, which import nothing but this one and each other downwards: settings (what a container is
// given), definition (what a specification may say), template, planning (what an apply or a clone does) and codes (what each
// error means).
package sdp
