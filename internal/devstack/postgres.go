package devstack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Roles of the private PostgreSQL. Each has a password of its own in keys/<role>.password.
const (
	roleAdmin    = "postgres" // superuser, used at start only
	roleSDP      = "sdp"      // owns database sdp
	roleTemporal = "temporal" // creates and owns temporald's two databases
)

// postgresSettings keep a PostgreSQL for one machine's control plane small: no parallel workers, no replication, little
// memory. Durability is left as it is by default: a commit is on the disk when it is acknowledged.
const postgresSettings = `# Written by "sdp up" at every start. Your own settings belong into custom.conf beside this file.
listen_addresses = '127.0.0.1'
port = %d
unix_socket_directories = ''
max_connections = 150
shared_buffers = 64MB
work_mem = 4MB
maintenance_work_mem = 32MB
wal_level = minimal
max_wal_senders = 0
max_wal_size = 512MB
checkpoint_timeout = 15min
max_worker_processes = 4
max_parallel_workers_per_gather = 0
jit = off
password_encryption = scram-sha-256
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
logging_collector = off
log_destination = stderr
log_min_messages = warning
# Statements may hold what is not meant for a log file, also those that fail.
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
include_if_exists 'custom.conf'
`

// makePassword returns the password in a file, which it writes with a new one if there is none.
func makePassword(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err == nil && len(raw) > 0 {
		return strings.TrimSpace(string(raw)), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	password := rand.Text()
	return password, writeFile(path, []byte(password+"\n"), 0o600)
}

// cluster is the private PostgreSQL of a stack.
type cluster struct {
	stack Stack
	port  int
	user  osUser
	bin   string // directory of its programs
}

func newCluster(s Stack, port int) (*cluster, error) {
	user, err := postgresUser(s.Data)
	if err != nil {
		return nil, err
	}
	bin, err := postgresPrograms(s.postgresDir())
	return &cluster{stack: s, port: port, user: user, bin: bin}, err
}

// version is the major version, "15", for people.
func (c *cluster) version() string {
	raw, err := os.ReadFile(filepath.Join(c.stack.postgresDir(), "PG_VERSION"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// create makes the data directory if there is none. It appears under its name only when it is complete.
func (c *cluster) create(ctx context.Context, sup *supervisor) error {
	if c.version() != "" {
		return c.configure()
	}
	dir := c.stack.path("postgres.new")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	password, err := makePassword(c.stack.passwordFile(roleAdmin))
	if err != nil {
		return err
	}
	if err := errors.Join(os.Mkdir(dir, 0o700), c.user.own(dir)); err != nil {
		return err
	}
	// initdb runs as a user who cannot read keys/, and it wants an empty directory.
	passwordFile := c.stack.path(".new-initdb")
	defer os.Remove(passwordFile)
	err = errors.Join(os.WriteFile(passwordFile, []byte(password+"\n"), 0o600), c.user.own(passwordFile))
	if err != nil {
		return err
	}
	err = sup.run(ctx, child{
		name: "initdb", user: c.user.credential(), dir: c.stack.Data, env: []string{"LC_ALL=C"},
		argv: []string{
			filepath.Join(c.bin, "initdb"), "--pgdata=" + dir, "--username=" + roleAdmin, "--pwfile=" + passwordFile,
			"--auth-host=scram-sha-256", "--auth-local=reject", "--encoding=UTF8", "--locale=C", "--data-checksums",
		},
		death: sigKill, end: sigKill,
	})
	if err != nil {
		return err
	}
	if err := os.Rename(dir, c.stack.postgresDir()); err != nil {
		return err
	}
	return c.configure()
}

func (c *cluster) configure() error {
	path := filepath.Join(c.stack.postgresDir(), "postgresql.conf")
	if err := os.WriteFile(path, fmt.Appendf(nil, postgresSettings, c.port), 0o600); err != nil {
		return err
	}
	return c.user.own(path)
}

// child describes the server process. SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
func (c *cluster) child() child {
	return child{
		name: "postgres", user: c.user.credential(), dir: c.stack.postgresDir(), env: []string{"LC_ALL=C"},
		argv:  []string{filepath.Join(c.bin, "postgres"), "-D", c.stack.postgresDir()},
		ready: c.ping, patience: readyPostgres, end: sigInt, death: sigInt, grace: graceLong,
	}
}

func (c *cluster) ping(ctx context.Context) error {
	conn, err := c.connect(ctx, roleAdmin)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

func (c *cluster) connect(ctx context.Context, database string) (*pgx.Conn, error) {
	password, err := makePassword(c.stack.passwordFile(roleAdmin))
	if err != nil {
		return nil, err
	}
	u := url.URL{
		Scheme: "postgres", User: url.User(roleAdmin), Host: loopback(c.port), Path: "/" + database,
		RawQuery: "sslmode=disable&connect_timeout=5",
	}
	cfg, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, err
	}
	cfg.Password = password
	return pgx.ConnectConfig(ctx, cfg)
}

// populate creates what is missing of the roles and the database of SDP, and gives the roles the passwords of their
// files. temporald creates its own databases.
func (c *cluster) populate(ctx context.Context) error {
	conn, err := c.connect(ctx, roleAdmin)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for role, options := range map[string]string{roleSDP: "NOCREATEDB", roleTemporal: "CREATEDB"} {
		if err := c.makeRole(ctx, conn, role, options); err != nil {
			return fmt.Errorf("role %s: %w", role, err)
		}
	}
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", roleSDP).Scan(&exists)
	if err != nil || exists {
		return err
	}
	name := pgx.Identifier{roleSDP}.Sanitize()
	_, err = conn.Exec(ctx, "CREATE DATABASE "+name+" OWNER "+name)
	if err == nil {
		_, err = conn.Exec(ctx, "REVOKE CONNECT ON DATABASE "+name+" FROM PUBLIC")
	}
	return err
}

func (c *cluster) makeRole(ctx context.Context, conn *pgx.Conn, role, options string) error {
	password, err := makePassword(c.stack.passwordFile(role))
	if err != nil {
		return err
	}
	verifier, err := scramVerifier(password)
	if err != nil {
		return err
	}
	var exists bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role).Scan(&exists); err != nil {
		return err
	}
	verb := "CREATE"
	if exists {
		verb = "ALTER"
	}
	name := pgx.Identifier{role}.Sanitize()
	_, err = conn.Exec(ctx, verb+" ROLE "+name+" LOGIN NOSUPERUSER "+options+" PASSWORD '"+verifier+"'")
	return err
}
