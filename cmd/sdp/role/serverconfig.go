package role

import (
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"sdp/internal/config"
	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/worker"
	"sdp/workflows"
)

// serverConfig is the server's configuration file.
type serverConfig struct {
	Instance  string                `yaml:"instance"`  // which SDP installation
	Listen    string                `yaml:"listen"`    // host:port of the API and the dashboard
	PublicURL string                `yaml:"publicURL"` // where browsers reach it; default http://<listen>
	Database  databaseConfig        `yaml:"database"`
	Temporal  worker.TemporalConfig `yaml:"temporal"`
	Keys      keysConfig            `yaml:"keys"`
	Login     loginConfig           `yaml:"login"`
	Logs      logsConfig            `yaml:"logs"`
	Tracking  trackingConfig        `yaml:"tracking"`
	Reconcile reconcileConfig       `yaml:"reconcile"`
	// OCP lists services of the shared environment that no repository here provides.
	OCP map[string]sharedConfig `yaml:"ocp"`
	// Environments is what they were before they moved into the database; refused.
	Environments map[string]map[string]string `yaml:"environments"`
}

type databaseConfig struct {
	URL          string `yaml:"url"`          // postgres://user@host:port/database, without a password
	PasswordFile string `yaml:"passwordFile"` // file that holds it; "" = none is needed
}

type keysConfig struct {
	Master string `yaml:"master"` // key file: sessions, secrets at rest, node tokens; made if missing
	Codec  string `yaml:"codec"`  // key file of the Temporal payload codec; made if missing
}

type loginConfig struct {
	Repository string        `yaml:"repository"` // whose git server proves user name and password; "" = nobody can sign in yet
	Session    time.Duration `yaml:"session"`    // how long a login lasts
}

type logsConfig struct {
	Keep time.Duration `yaml:"keep"` // how long logs stay in the database, in whole days
}

type trackingConfig struct {
	Every time.Duration `yaml:"every"` // how often the branches of services are looked at; 0 = never
}

type reconcileConfig struct {
	LostAfter time.Duration `yaml:"lostAfter"` // how long Temporal has had an operation before it is asked whether it still has
	Patience  time.Duration `yaml:"patience"`  // how long an operation goes on trying to read or write the database
}

type sharedConfig struct {
	URL  string `yaml:"url"`
	Port int    `yaml:"port"` // at which services of a sandbox ask for it
}

func loadServerConfig(path string) (serverConfig, error) {
	c := serverConfig{
		Instance: "default",
		Listen:   "127.0.0.1:7700",
		Temporal: worker.TemporalConfig{Address: "127.0.0.1:7233", Namespace: "sdp"},
		Login:    loginConfig{Session: 12 * time.Hour},
		Logs:     logsConfig{Keep: 30 * 24 * time.Hour},
		Tracking: trackingConfig{Every: time.Minute},

		Reconcile: reconcileConfig{LostAfter: 2 * time.Minute, Patience: workflows.DatabasePatience},
	}
	err := config.Load(path, &c)
	return c, err
}

// Validate implements config.Validator.
func (c *serverConfig) Validate(f *config.File) error {
	for _, check := range []func(*config.File) error{c.checkAddresses, c.checkRequired, c.checkBounds, c.checkShared} {
		if err := check(f); err != nil {
			return err
		}
	}
	return nil
}

func (c *serverConfig) checkAddresses(f *config.File) error {
	for key, address := range map[string]string{"listen": c.Listen, "temporal": c.Temporal.Address} {
		at := map[string][]any{"listen": {"listen"}, "temporal": {"temporal", "address"}}[key]
		if _, _, err := net.SplitHostPort(address); err != nil {
			return f.Errorf(at, "write host:port, such as 127.0.0.1:7700", "%s: %q is not an address", key, address)
		}
	}
	if c.PublicURL == "" {
		c.PublicURL = "http://" + c.Listen
	}
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if !isURL(c.PublicURL) {
		return f.Errorf([]any{"publicURL"}, "write where browsers reach the server, such as https://sdp.example.com",
			"publicURL is not an http or https URL")
	}
	db, err := url.Parse(c.Database.URL)
	if err != nil || (db.Scheme != "postgres" && db.Scheme != "postgresql") {
		return f.Errorf([]any{"database", "url"}, "write it as postgres://user@host:5432/database", "database.url is not a PostgreSQL URL")
	}
	if _, has := db.User.Password(); has {
		return f.Errorf([]any{"database", "url"}, "put the password into a file of its own and name that in database.passwordFile",
			"database.url holds a password")
	}
	return nil
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func (c *serverConfig) checkRequired(f *config.File) error {
	for _, required := range []struct {
		at    []any
		value string
		what  string
	}{
		{[]any{"keys", "master"}, c.Keys.Master, "the path of the master key; the file is made if it does not exist"},
		{[]any{"keys", "codec"}, c.Keys.Codec, "the path of the codec keys; the file is made if it does not exist"},
	} {
		if required.value == "" {
			return f.Errorf(required.at, "write "+required.what, "%v.%v is missing", required.at...)
		}
	}
	if err := sdp.CheckNodeName(c.Instance); err != nil {
		return f.Errorf([]any{"instance"}, sdp.AsError(err).Remedy, "instance: %q is not valid", c.Instance)
	}
	return nil
}

func (c *serverConfig) checkBounds(f *config.File) error {
	if c.Login.Session < time.Minute {
		return f.Errorf([]any{"login", "session"}, "write a duration such as 12h", "login.session is shorter than a minute")
	}
	if c.Logs.Keep < 24*time.Hour {
		return f.Errorf([]any{"logs", "keep"}, "write at least 24h", "logs.keep is shorter than a day")
	}
	if every := c.Tracking.Every; every != 0 && (every < time.Second || every > 24*time.Hour) {
		return f.Errorf([]any{"tracking", "every"}, "write a duration between 1s and 24h, such as 1m, or 0 to watch no branches",
			"tracking.every is too short or too long")
	}
	if after := c.Reconcile.LostAfter; after < time.Second || after > 24*time.Hour {
		return f.Errorf([]any{"reconcile", "lostAfter"}, "write a duration between 1s and 24h, such as 2m",
			"reconcile.lostAfter is too short or too long")
	}
	if patience := c.Reconcile.Patience; patience < time.Second || patience > time.Hour {
		return f.Errorf([]any{"reconcile", "patience"}, "write a duration between 1s and 1h, such as 10m",
			"reconcile.patience is too short or too long")
	}
	return nil
}

func (c *serverConfig) checkShared(f *config.File) error {
	for name, s := range c.OCP {
		if err := sdp.CheckServiceName(name); err != nil {
			return f.Errorf([]any{"ocp", name}, sdp.AsError(err).Remedy, "ocp: %q is not a service name", name)
		}
		if !isURL(s.URL) {
			return f.Errorf([]any{"ocp", name, "url"}, "write the URL at which the shared environment serves it", "ocp.%s.url is not a URL", name)
		}
		if s.Port < 1 || s.Port > 65535 {
			return f.Errorf([]any{"ocp", name, "port"}, "write the port at which other services ask for it, such as 8080",
				"ocp.%s.port: %d is not a port", name, s.Port)
		}
	}
	if c.Environments != nil {
		return f.Errorf([]any{"environments"}, "remove the section, start the server and make each of them with `sdp env import NAME "+
			"FILE.env --create`; docs/environments.md shows how", "environments are not configured here any more")
	}
	return nil
}

// shared returns the services of the shared environment in the form the database wants.
func (c *serverConfig) shared() map[string]postgres.SharedService {
	out := make(map[string]postgres.SharedService, len(c.OCP))
	for name, s := range c.OCP {
		out[name] = postgres.SharedService{URL: s.URL, Port: s.Port}
	}
	return out
}

// password reads the database's password.
func (c *serverConfig) password() (string, error) {
	if c.Database.PasswordFile == "" {
		return "", nil
	}
	raw, err := os.ReadFile(c.Database.PasswordFile)
	if err != nil {
		return "", sdp.Errorf(sdp.Invalid, "no-database-password", "the database's password cannot be read: %w", err).
			WithRemedy("put it into the file named by database.passwordFile, readable by this user only")
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}
