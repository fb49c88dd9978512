package devstack

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"sdp/internal/devstack/supervise"
)

// TestTemporald runs more temporalds on the PostgreSQL of a stack.
func TestTemporald(t *testing.T) {
	cfg := fakeConfig(dataDir(t), temporald(t))
	up(t, cfg).await("everything runs")
	st, err := loadState(filepath.Join(cfg.Data, "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("with TLS", func(t *testing.T) { testTLS(t, describe(cfg), st) })
	t.Run("with wrong settings", func(t *testing.T) { testWrongSettings(t, describe(cfg), st) })
}

// testTLS runs one that wants client certificates.
func testTLS(t *testing.T, s Stack, st state) {
	ca := newAuthority(t)
	ours := ca.issue(t, "server")
	address, health, ui := freeAddress(t), freeAddress(t), freeAddress(t)
	sup := testSupervisor(t)
	err := sup.Start(t.Context(), supervise.Child{
		Name: "temporald",
		Argv: []string{
			temporald(t), "--listen", address, "--ui-listen", ui, "--health-listen", health,
			"--postgres", loopback(st.Ports[portPostgres]), "--postgres-user", roleTemporal,
			"--postgres-password-file", s.passwordFile(roleTemporal),
			"--postgres-database", "other", "--postgres-visibility-database", "other_visibility",
			"--tls-cert", ours.cert, "--tls-key", ours.key, "--tls-client-ca", ca.file,
		},
		Ready: supervise.Answers("http://" + health + "/readyz"), Patience: readyTemporald,
		End: sigTerm, Death: sigKill, Grace: graceLong,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := supervise.Answers("http://" + ui + "/api/v1/namespaces/sdp")(t.Context()); err != nil {
		t.Errorf("the Web UI cannot reach the frontend: %v", err)
	}
	theirs := ca.issue(t, "worker")
	pair, err := tls.LoadX509KeyPair(theirs.cert, theirs.key)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		tls      *tls.Config
		accepted bool
	}{
		{"with a certificate", &tls.Config{
			RootCAs: ca.pool, ServerName: "server", Certificates: []tls.Certificate{pair},
		}, true},
		{"without a certificate", &tls.Config{RootCAs: ca.pool, ServerName: "server"}, false},
		{"without TLS", nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn, err := client.Dial(client.Options{
				HostPort: address, Namespace: namespace, Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
				ConnectionOptions: client.ConnectionOptions{TLS: c.tls, GetSystemInfoTimeout: 2 * time.Second},
			})
			if err == nil {
				conn.Close()
			}
			if (err == nil) != c.accepted {
				t.Errorf("accepted should be %t: %v", c.accepted, err)
			}
		})
	}
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
	file string
	dir  string
}

type certificate struct{ cert, key string }

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir(), pool: x509.NewCertPool()}
	var raw []byte
	raw, a.key = sign(t, nil, nil, &x509.Certificate{
		Subject: pkix.Name{CommonName: "test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	})
	var err error
	if a.cert, err = x509.ParseCertificate(raw); err != nil {
		t.Fatal(err)
	}
	a.pool.AddCert(a.cert)
	a.file = a.write(t, "ca.pem", "CERTIFICATE", raw)
	return a
}

func (a *authority) issue(t *testing.T, name string) certificate {
	t.Helper()
	raw, key := sign(t, a.cert, a.key, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return certificate{
		cert: a.write(t, name+".pem", "CERTIFICATE", raw), key: a.write(t, name+".key", "PRIVATE KEY", der),
	}
}

func (a *authority) write(t *testing.T, name, kind string, raw []byte) string {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// sign makes a key and a certificate for it; without a parent it signs itself.
func sign(
	t *testing.T, parent *x509.Certificate, with *ecdsa.PrivateKey, c *x509.Certificate,
) ([]byte, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if parent == nil {
		parent, with = c, key
	}
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	c.NotBefore, c.NotAfter = time.Now().Add(-time.Minute), time.Now().Add(time.Hour)
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, with)
	if err != nil {
		t.Fatal(err)
	}
	return raw, key
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// testWrongSettings covers settings that cannot work: it must end at once and say why, not try for ever.
func testWrongSettings(t *testing.T, s Stack, st state) {
	wrong := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(wrong, []byte("wrong-password\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	database := []string{"--postgres", loopback(st.Ports[portPostgres]), "--postgres-user", roleTemporal}
	for name, c := range map[string]struct {
		args []string
		env  string
		says string
	}{
		"shards, from the environment": {env: "TEMPORALD_HISTORY_SHARDS=1", says: "at least 4"},
		"half of TLS":                  {args: []string{"--tls-cert", "x"}, says: "belong together"},
		"unknown flag":                 {args: []string{"--colour"}, says: "colour"},
		"password": {
			args: append(database, "--postgres-password-file", wrong), says: "password authentication failed",
		},
		"port that is taken": {
			args: append(database, "--postgres-password-file", s.passwordFile(roleTemporal),
				"--listen", loopback(st.Ports[portTemporal])),
			says: "address already in use",
		},
	} {
		t.Run(name, func(t *testing.T) {
			sup := testSupervisor(t)
			err := sup.Run(t.Context(), supervise.Child{
				Name: "temporald", Argv: append([]string{temporald(t), "--ui-listen", ""}, c.args...), Env: []string{c.env},
				End: sigTerm, Death: sigKill, Grace: graceShort,
			})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
			if err != nil && strings.Contains(err.Error(), "wrong-password") {
				t.Errorf("the error shows the password")
			}
		})
	}
}
