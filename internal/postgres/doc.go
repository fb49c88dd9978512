// Package postgres keeps the platform's metadata, audit trail and logs in PostgreSQL: the queryable truth of what
// exists. SQL is written by hand, a file per group of tables.
//
// # What is where
//
// This package has what locks a sandbox: its services, routes, containers, deployments and operations. They change
// together, in one transaction, and are therefore one package of more files than others. Tables that stand for
// themselves are in packages below: nodestore (nodes, ports, repositories), envstore (environments, settings, templates),
// logstore, outbox (audit and events), requests (sessions, idempotency) and sealed (encryption at rest). DB embeds
// their stores, so that callers see one store. pg is what all share, stored the JSON documents in columns, hub what
// listens to announcements, migrations the schema.
//
// # How it stays right under concurrency
//
// Every change of state is one guarded UPDATE whose WHERE lists the states it may leave, so of two writers one loses
// with a Conflict instead of overwriting the other. Changes of a sandbox's routes lock its row first and raise its
// route version in the same transaction; a table read later never has an older version with newer content. Each change
// announces itself with pg_notify in the statement that makes it; the hub turns the announcements into events. Methods
// that workflows call can be repeated: a second call with the same arguments changes nothing and returns the same.
//
// Rows are scanned by the names of their columns into private structs, whose domain method makes the value of the domain;
// only statements that return three values or less scan by position.
//
// Errors are *sdp.Error. A lost connection is Unavailable and worth a retry; none mentions a password.
package postgres
