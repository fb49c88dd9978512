package devstack

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sdp/internal/devstack/supervise"
	"sdp/internal/sdp"

	"github.com/jackc/pgx/v5"
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
func (c *cluster) create(ctx context.Context, sup *supervise.Supervisor) error {
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
	err = sup.Run(ctx, supervise.Child{
		Name: "initdb", User: c.user.credential(), Dir: c.stack.Data, Env: []string{"LC_ALL=C"},
		Argv: []string{
			filepath.Join(c.bin, "initdb"), "--pgdata=" + dir, "--username=" + roleAdmin, "--pwfile=" + passwordFile,
			"--auth-host=scram-sha-256", "--auth-local=reject", "--encoding=UTF8", "--locale=C", "--data-checksums",
		},
		Death: sigKill, End: sigKill,
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
func (c *cluster) child() supervise.Child {
	return supervise.Child{
		Name: "postgres", User: c.user.credential(), Dir: c.stack.postgresDir(), Env: []string{"LC_ALL=C"},
		Argv:  []string{filepath.Join(c.bin, "postgres"), "-D", c.stack.postgresDir()},
		Ready: c.ping, Patience: readyPostgres, End: sigInt, Death: sigInt, Grace: graceLong,
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

// postgresPrograms finds the directory of initdb and postgres: of the version that made the data directory, or the
// newest there is.
func postgresPrograms(dataDir string) (string, error) {
	version := "*"
	if raw, err := os.ReadFile(filepath.Join(dataDir, "PG_VERSION")); err == nil {
		version = strings.TrimSpace(string(raw))
	}
	best, newest := "", -1
	for _, root := range []string{"/usr/lib/postgresql/", "/usr/pgsql-"} { // Debian's and Red Hat's kin
		pattern := root + version + "/bin/postgres"
		found, _ := filepath.Glob(pattern) // fails for a malformed pattern only
		for _, program := range found {
			dir := filepath.Dir(program)
			number, _ := strconv.Atoi(strings.TrimPrefix(filepath.Base(filepath.Dir(dir)), "pgsql-"))
			if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil && number > newest {
				best, newest = dir, number
			}
		}
	}
	if best != "" {
		return best, nil
	}
	if version != "*" {
		return "", sdp.Errorf(sdp.Invalid, "no-postgresql",
			"the data in %s needs PostgreSQL %s, which is not installed", dataDir, version).
			WithRemedy("install it: apt-get install postgresql-%s", version)
	}
	return "", sdp.Errorf(sdp.Invalid, "no-postgresql", "PostgreSQL is not installed").
		WithRemedy("install it: deploy/setup.sh up")
}
