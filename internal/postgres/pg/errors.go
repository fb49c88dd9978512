package pg

import (
	"context"
	"errors"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"sdp/internal/sdp"
)

// Translate turns an error of the driver into one of the domain; what names the attempt: "creating sandbox".
func Translate(what string, err error) error {
	var known *sdp.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return sdp.Errorf(sdp.Unavailable, "interrupted", "%s was interrupted: %w", what, err)
	}
	var refused *pgconn.ConnectError // whatever the reason is: nothing was asked of it yet
	if errors.As(err, &refused) {
		return Unreachable(err)
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return translatePg(what, pgErr)
	}
	if isConnection(err) {
		return Unreachable(err)
	}
	return sdp.Errorf(sdp.Internal, "database", "%s failed: %w", what, err)
}

func translatePg(what string, err *pgconn.PgError) error {
	switch err.Code {
	case "57014": // statement_timeout
		return sdp.Errorf(sdp.Unavailable, "database-slow", "%s took too long: %w", what, err).WithRemedy("try again")
	case "40001", "40P01", "55P03": // serialization failure, deadlock, lock not available: more often than InTx repeats
		return sdp.Errorf(sdp.Unavailable, "database-slow", "%s met others at work on the same: %w", what, err).WithRemedy("try again")
	case "53100": // disk_full
		return sdp.Errorf(sdp.Unavailable, "database-disk-full", "%s: the database's disk is full: %w", what, err).
			WithRemedy("the operator frees space on the machine that runs PostgreSQL; what is under way goes on by itself then")
	case "25006": // read_only_sql_transaction
		return ReadOnly(err)
	case "22021", "22P05": // a NUL or invalid UTF-8 in text
		return sdp.Errorf(sdp.Invalid, "bad-text", "%s: a text contains bytes that are not text", what).
			WithRemedy("send valid UTF-8 without NUL characters")
	case "42P01", "42703", "42883", "42704": // undefined table, column, function, type
		return sdp.Errorf(sdp.Internal, "schema-missing", "%s: the database's schema does not fit: %w", what, err).
			WithRemedy("run `sdp migrate --config server.yaml`")
	}
	if passes(err.Code) {
		return Unreachable(err)
	}
	if c, ok := constraints[err.ConstraintName]; ok {
		return sdp.Errorf(c.Kind, c.Code, "%s", c.Detail).WithRemedy("%s", c.Remedy)
	}
	return sdp.Errorf(sdp.Internal, "database", "%s failed: %w", what, err)
}

// passes reports whether an error is the database's state and not what was asked of it: its connections, its memory, that
// it starts, stops or fails over, its files. Everything else is as wrong the next time (PostgreSQL, appendix A).
func passes(code string) bool {
	switch code[:2] {
	case "08", "53", "57", "58":
		return true
	}
	return false
}

// constraints says what the violation of a constraint means to a person.
var constraints = map[string]sdp.Error{
	"sandboxes_live_name": {Kind: sdp.Conflict, Code: "sandbox-exists", Detail: "a sandbox of this name exists",
		Remedy: "choose another name, or delete it first: `sdp sandbox delete NAME`"},
	"sandbox_services_container_name": {Kind: sdp.Conflict, Code: "container-name-taken",
		Detail: "another sandbox has a service with the same container name", Remedy: "choose another sandbox name"},
	"deployments_pkey": {Kind: sdp.Conflict, Code: "deployment-exists", Detail: "a deployment with this ID exists",
		Remedy: "try again"},
	"operations_pkey": {Kind: sdp.Conflict, Code: "operation-exists", Detail: "an operation with this ID exists",
		Remedy: "try again"},
	"operations_one_delete": {Kind: sdp.Conflict, Code: "sandbox-deleting", Detail: "the sandbox is being deleted already",
		Remedy: "wait for the delete to end"},
	"sandboxes_gateway_node_fkey": {Kind: sdp.Invalid, Code: "node-not-found",
		Detail: "the gateway node is not registered", Remedy: "`sdp nodes` lists the nodes there are"},
	"containers_deployment_fkey": {Kind: sdp.NotFound, Code: "deployment-not-found",
		Detail: "the container's deployment does not exist", Remedy: "`sdp history` lists the deployments there were"},
	"containers_node_fkey": {Kind: sdp.Invalid, Code: "node-not-found", Detail: "the container's node is not registered",
		Remedy: "`sdp nodes` lists the nodes there are"},
}

func isConnection(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) || pgconn.SafeToRetry(err) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, puddle.ErrClosedPool) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

func Unreachable(err error) error {
	return sdp.Errorf(sdp.Unavailable, "database-unreachable", "PostgreSQL does not answer: %w", err).
		WithRemedy("start it, or correct `database.url` and `database.passwordFile` in the server's configuration")
}

// ReadOnly says that a database answers and takes nothing: it is a standby that is not promoted yet, or was made read-only.
func ReadOnly(err error) error {
	return sdp.Errorf(sdp.Unavailable, "database-read-only", "PostgreSQL takes no changes: %w", err).
		WithRemedy("the operator promotes it if it is a standby, or finds out who set `default_transaction_read_only`; what is " +
			"under way goes on by itself then")
}

func BadURL(err error) error {
	return sdp.Errorf(sdp.Invalid, "bad-database-url", "the database URL is not valid: %w", err).
		WithRemedy("write it as postgres://user@host:port/database and the password into `database.passwordFile`")
}

func NoSandbox(name string) error {
	return sdp.Errorf(sdp.NotFound, "sandbox-not-found", "there is no sandbox %q", name).
		WithRemedy("`sdp sandbox list` lists the sandboxes there are")
}

func SandboxDeleting(name string) error {
	return sdp.Errorf(sdp.Conflict, "sandbox-deleting", "sandbox %s is being deleted", name).
		WithRemedy("wait until it is gone, then create it again")
}

func NoDeployment(id string) error {
	return sdp.Errorf(sdp.NotFound, "deployment-not-found", "there is no deployment %q", id).
		WithRemedy("`sdp history` lists the deployments there were")
}

func NoRepository(name string) error {
	return sdp.Errorf(sdp.NotFound, "repository-not-found", "there is no repository %q", name).
		WithRemedy("`sdp repos` lists the repositories the nodes have; a new one is added to a node's configuration")
}
