package devstack

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"sdp/internal/atomicfile"
)

// Roles of the private PostgreSQL. Each has a password of its own in keys/<role>.password.
const (
	roleAdmin    = "postgres" // superuser, used at start only
	roleSDP      = "sdp"      // owns database sdp
	roleTemporal = "temporal" // creates and owns temporald's two databases
)

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
	return password, atomicfile.Write(path, []byte(password+"\n"), 0o600)
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

// scramVerifier is what PostgreSQL stores of a password (RFC 5803). Sending it instead of the password keeps the
// password out of statements, and so out of logs.
func scramVerifier(password string) (string, error) {
	const iterations = 4096 // PostgreSQL's own default
	salt := make([]byte, 16)
	rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	mac := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return "SCRAM-SHA-256$" + strconv.Itoa(iterations) + ":" + encode(salt) + "$" + encode(stored[:]) + ":" +
		encode(mac("Server Key")), nil
}
