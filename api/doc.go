// Package api is SDP's HTTP side: the REST API under /api/v1 with the OpenAPI document generated from its handlers'
// types, the log and event streams, the endpoints nodes report to, and the dashboard's files.
//
// What requests and responses look like, and how they are made of the domain's values, is in rest, which clients import
// without the server. What nodes ask and report is answered by nodeapi, pages by dashboard; live sends logs and events as
// they come; problem turns errors into answers, and idempotency gives the first one again. What knows nothing of what is
// served is in transport and loginlimit. This package has more files than others because it has one for each subject of
// the routes, and all their handlers are methods of one Server.
//
// routes.go lists every route. Handlers are functions that return a view or an error; errors.go is the only place
// that answers with one. Nothing here touches git, Docker or a repository: what takes time is written to the database,
// submitted to the Engine and answered with 202.
package api
