// Package api is SDP's HTTP side: the REST API under /api/v1 with the OpenAPI document generated from its handlers'
// types, the log and event streams, the endpoints nodes report to, and the dashboard's files.
//
// routes.go lists every route. Handlers are functions that return a view or an error; errors.go is the only place
// that turns an error into a response. Nothing here touches git, Docker or a repository: what takes time is written to
// the database, submitted to the Engine and answered with 202.
package api
