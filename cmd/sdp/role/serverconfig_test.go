package role

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const minimal = `database: {url: "postgres://sdp@127.0.0.1:5433/sdp?sslmode=disable"}
keys: {master: /k/master, codec: /k/codec}
login: {repository: account}
`

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "server.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServerConfigDefaults(t *testing.T) {
	c, err := loadServerConfig(writeConfig(t, minimal+"listen: 0.0.0.0:80\npublicURL: http://sdp.example.com/\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Instance != "default" || c.PublicURL != "http://sdp.example.com" || c.Login.Session != 12*time.Hour ||
		c.Temporal.Namespace != "sdp" || c.Temporal.Address != "127.0.0.1:7233" {
		t.Errorf("got %+v", c)
	}
}

func TestServerConfigOfTheReference(t *testing.T) {
	c, err := loadServerConfig(writeConfig(t, `
instance: default
listen: 127.0.0.1:7700
publicURL: http://127.0.0.1:7700
database: {url: "postgres://sdp@127.0.0.1:5433/sdp?sslmode=disable", passwordFile: /path}
temporal: {address: 127.0.0.1:7233, namespace: sdp, ui: http://127.0.0.1:8233, tls: {ca: , cert: , key: }}
keys: {master: /path/master.key, codec: /path/codec.keys}
login: {repository: account, session: 12h}
logs: {keep: 72h}
ocp: {notification: {url: "http://127.0.0.1:7795", port: 8080}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if c.shared()["notification"].Port != 8080 {
		t.Errorf("got %+v", c)
	}
}

func TestWrongServerConfigsNameLineAndRemedy(t *testing.T) {
	for text, want := range map[string]string{
		minimal + "lissten: x\n":                           `server.yaml:4: unknown key "lissten"; did you mean "listen"?`,
		minimal + "listen: nowhere\n":                      `server.yaml:4: listen: "nowhere" is not an address`,
		minimal + "publicURL: ftp://x\n":                   "server.yaml:4: publicURL",
		minimal + "ocp:\n  rates: {url: x, port: 80}\n":    "server.yaml:5: ocp.rates.url",
		minimal + "ocp:\n  rates: {url: http://x}\n":       "server.yaml:5: ocp.rates.port",
		minimal + "environments: {dev: {A: x}}\n":          "server.yaml:4: environments are not configured here any more",
		minimal + "logs: {keep: 1h}\n":                     "server.yaml:4: logs.keep",
		minimal + "tracking: {every: 1ms}\n":               "server.yaml:4: tracking.every",
		minimal + "reconcile: {lostAfter: 0s}\n":           "server.yaml:4: reconcile.lostAfter",
		minimal + "reconcile: {patience: 2h}\n":            "server.yaml:4: reconcile.patience",
		minimal + "instance: A\n":                          "server.yaml:4: instance",
		strings.Replace(minimal, "sdp@", "sdp:pw@", 1):     "server.yaml:1: database.url holds a password",
		strings.Replace(minimal, "postgres:", "mysql:", 1): "server.yaml:1: database.url is not a PostgreSQL URL",
	} {
		_, err := loadServerConfig(writeConfig(t, text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		} else if strings.Contains(err.Error(), "pw@") {
			t.Errorf("the password is shown: %v", err)
		}
	}
}

func TestAwaitGivesUpOnlyWhereWaitingDoesNotMend(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	err := await(t.Context(), "X", func(context.Context) error {
		calls++
		if calls == 1 {
			return errors.New("not yet")
		}
		return broken
	}, func(err error) bool { return !errors.Is(err, broken) })
	if !errors.Is(err, broken) || calls != 2 {
		t.Errorf("got %v after %d calls", err, calls)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err = await(ctx, "X", func(context.Context) error { cancel(); return broken }, func(error) bool { return true })
	if err != nil {
		t.Errorf("told to stop: %v", err)
	}
}
