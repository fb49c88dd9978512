package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"
)

// minShards is the least number of history shards: with one, every task of every workflow waits for the same lock
// (measured: a one-activity workflow takes 100 ms with one shard, 45 to 60 ms with four).
const minShards = 4

// defaultShards leaves room to grow, as a database keeps the number it was made with. Idle they cost a thousandth of a core each.
const defaultShards = 16

// options is what the flags and environment variables say.
type options struct {
	listen     string
	uiListen   string
	health     string
	metrics    string
	namespace  string
	retention  time.Duration
	shards     int
	codec      string
	codecToken bool
	logLevel   slog.Level
	postgres   postgresOptions
	tls        tlsOptions
}

type postgresOptions struct {
	address      string
	user         string
	passwordFile string
	database     string
	visibility   string
	maxConns     int
	sslmode      string
	ca           string
}

type tlsOptions struct{ cert, key, clientCA string }

func (t tlsOptions) enabled() bool { return t.cert != "" }

// parseOptions reads flags; a flag that is not given takes its value from the environment variable TEMPORALD_<NAME>,
// with dashes as underscores.
func parseOptions(args []string, getenv func(string) string, usage io.Writer) (options, error) {
	var o options
	fs := flag.NewFlagSet("temporald", flag.ContinueOnError)
	fs.SetOutput(usage)
	o.define(fs)
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if fs.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; all settings are flags, see --help", fs.Arg(0))
	}
	if err := fromEnvironment(fs, getenv); err != nil {
		return o, err
	}
	return o, o.check()
}

func (o *options) define(fs *flag.FlagSet) {
	fs.StringVar(&o.listen, "listen", "127.0.0.1:7233", "`address` of the frontend; the other services stay on loopback")
	fs.StringVar(&o.uiListen, "ui-listen", "127.0.0.1:8233", "`address` of the Web UI; empty = none")
	fs.StringVar(&o.health, "health-listen", "", "`address` of /healthz (frontend) and /readyz (also PostgreSQL); empty = none")
	fs.StringVar(&o.metrics, "metrics-listen", "", "`address` of Prometheus metrics at /metrics; empty = none")
	fs.StringVar(&o.namespace, "namespace", "sdp", "`name` of the namespace to create")
	fs.DurationVar(&o.retention, "retention", 72*time.Hour, "how long closed workflows are kept")
	fs.IntVar(&o.shards, "history-shards", defaultShards, "history shards; fixed once the database exists")
	fs.StringVar(&o.codec, "codec-endpoint", "", "`URL` of the codec server the Web UI decodes payloads with")
	fs.BoolVar(&o.codecToken, "codec-credentials", true, "the Web UI sends cookies to the codec server")
	fs.TextVar(&o.logLevel, "log-level", slog.LevelWarn, "debug, info, warn or error")
	fs.StringVar(&o.postgres.address, "postgres", "127.0.0.1:5432", "`address` of PostgreSQL")
	fs.StringVar(&o.postgres.user, "postgres-user", "temporal", "PostgreSQL `role`; it needs CREATEDB unless the databases exist")
	fs.StringVar(&o.postgres.passwordFile, "postgres-password-file", "", "`file` that holds the role's password")
	fs.StringVar(&o.postgres.database, "postgres-database", "temporal", "database of the workflows")
	fs.StringVar(&o.postgres.visibility, "postgres-visibility-database", "temporal_visibility", "database of the search index")
	fs.IntVar(&o.postgres.maxConns, "postgres-max-conns", 8, "connections per service to the first database; half as many to the second")
	fs.StringVar(&o.postgres.sslmode, "postgres-sslmode", "disable", "disable, require, verify-ca or verify-full")
	fs.StringVar(&o.postgres.ca, "postgres-ca", "", "`file` of the certificate authority of PostgreSQL")
	fs.StringVar(&o.tls.cert, "tls-cert", "", "certificate `file` of the frontend; switches TLS on")
	fs.StringVar(&o.tls.key, "tls-key", "", "key `file` of the frontend")
	fs.StringVar(&o.tls.clientCA, "tls-client-ca", "", "authority `file`; clients must then show a certificate of it")
}

func fromEnvironment(fs *flag.FlagSet, getenv func(string) string) error {
	given := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	fs.VisitAll(func(f *flag.Flag) {
		name := "TEMPORALD_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value := getenv(name)
		if given[f.Name] || value == "" {
			return
		}
		if err := fs.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	})
	return errors.Join(errs...)
}

func (o *options) check() error {
	var errs []error
	addresses := map[string]string{"listen": o.listen, "postgres": o.postgres.address}
	for name, optional := range map[string]string{
		"ui-listen": o.uiListen, "health-listen": o.health, "metrics-listen": o.metrics,
	} {
		if optional != "" {
			addresses[name] = optional
		}
	}
	for name, address := range addresses {
		if _, _, err := net.SplitHostPort(address); err != nil {
			errs = append(errs, fmt.Errorf("--%s %q is not a host:port", name, address))
		}
	}
	if o.shards < minShards {
		errs = append(errs, fmt.Errorf("--history-shards is %d; at least %d are needed", o.shards, minShards))
	}
	if o.postgres.maxConns < 2 {
		errs = append(errs, errors.New("--postgres-max-conns must be at least 2"))
	}
	if o.retention < time.Hour {
		errs = append(errs, errors.New("--retention must be at least 1h"))
	}
	if (o.tls.cert == "") != (o.tls.key == "") || o.tls.clientCA != "" && o.tls.cert == "" {
		errs = append(errs, errors.New("--tls-cert and --tls-key belong together, and --tls-client-ca needs both"))
	}
	return errors.Join(errs...)
}

// password reads the role's password; without a file there is none (trust, peer or certificate authentication).
func (p postgresOptions) password() (string, error) {
	if p.passwordFile == "" {
		return "", nil
	}
	raw, err := os.ReadFile(p.passwordFile)
	if err != nil {
		return "", fmt.Errorf("reading the PostgreSQL password: %w", err)
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}
