// Package postgres keeps the platform's metadata, audit trail and logs in PostgreSQL: the queryable truth of what
// exists. SQL is written by hand, a file per group of tables; migrations are embedded.
//
// # How it stays right under concurrency
//
// Every change of state is one guarded UPDATE whose WHERE lists the states it may leave, so of two writers one loses
// with a Conflict instead of overwriting the other. Changes of a sandbox's routes lock its row first and raise its
// route version in the same transaction; a table read later never has an older version with newer content. Each change
// announces itself with pg_notify in the statement that makes it; Hub turns the announcements into events. Methods
// that workflows call can be repeated: a second call with the same arguments changes nothing and returns the same.
//
// Errors are *sdp.Error. A lost connection is Unavailable and worth a retry; none mentions a password.
package postgres
