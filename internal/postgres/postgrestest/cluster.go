package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// install is what a person types who has no PostgreSQL.
const install = "install it with `apt-get install -y postgresql`, or set " + EnvURL + " to the URL of one"

// supervise starts PostgreSQL and waits until its standard input ends, which it does when the test process ends, even
// by kill -9; then it stops PostgreSQL and removes what it left.
const supervise = `set -e
dir=$1 bin=$2
trap '' INT HUP
"$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$dir/log" 2>&1
"$bin/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
	-c full_page_writes=off -c max_connections=400 -c shared_buffers=64MB -c max_wal_size=256MB \
	>>"$dir/log" 2>&1 </dev/null &
cat >/dev/null || true
kill -QUIT $! 2>/dev/null || true
wait $! 2>/dev/null || true
rm -rf "$dir"`

// startCluster starts a private cluster that listens on a Unix socket in its own directory only, and returns its URL.
func startCluster() (string, error) {
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	dir, owner, err := privateDir()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(context.Background(), "sh", "-c", supervise, "sh", dir, bin)
	cmd.Dir = dir
	// A process group of its own: Ctrl-C ends the tests, and their end ends the cluster.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: owner}
	ofPostgres := func(v string) bool { return strings.HasPrefix(v, "PG") }
	cmd.Env = append(slices.DeleteFunc(os.Environ(), ofPostgres), "HOME="+dir)
	if _, err := cmd.StdinPipe(); err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	url := (&url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres",
		RawQuery: url.Values{"host": {dir}, "sslmode": {"disable"}}.Encode()}).String()
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	return url, waitUntilUp(url, dir, exited)
}

// binaries returns the directory of initdb and postgres.
func binaries() (string, error) {
	dirs, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	for _, dir := range slices.Backward(dirs) {
		if _, err := os.Stat(filepath.Join(dir, "initdb")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("initdb was not found; " + install)
}

// privateDir makes a directory for a cluster. PostgreSQL refuses to run as root, so root hands it to user postgres,
// who must be able to reach it.
func privateDir() (dir string, owner *syscall.Credential, err error) {
	parent := os.TempDir()
	if os.Geteuid() == 0 || len(parent) > 60 { // a socket's path is limited to 107 octets
		parent = "/tmp"
	}
	if dir, err = os.MkdirTemp(parent, "sdp-postgres-"); err != nil || os.Geteuid() != 0 {
		return dir, nil, err
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return "", nil, fmt.Errorf("PostgreSQL refuses to run as root and there is no user postgres; %s", install)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return "", nil, err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return "", nil, err
	}
	return dir, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, os.Chown(dir, uid, gid)
}

// waitUntilUp tries to connect until the cluster answers, its supervisor has ended, or a minute has passed.
func waitUntilUp(url, dir string, exited <-chan error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, url)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-tick.C:
		case <-exited: //nolint:errcheck // its log says more
			log, err := os.ReadFile(filepath.Join(dir, "log"))
			return errors.Join(fmt.Errorf("it did not start: %s", log), err, os.RemoveAll(dir))
		case <-ctx.Done():
			return fmt.Errorf("it did not answer within a minute: %w", err)
		}
	}
}
