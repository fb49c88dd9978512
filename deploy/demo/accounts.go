package demo

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"os"
	"strings"
	"sync"

	"golang.org/x/crypto/bcrypt"

	"sdp/internal/sdp"
)

// Accounts knows who may fetch and push. It holds bcrypt hashes only.
type Accounts struct {
	hashes map[string][]byte
	nobody []byte // hash checked for unknown users, so that they take as long as known ones

	// proven remembers credentials bcrypt has accepted, as salted SHA-256: one push is three requests, and bcrypt is
	// slow by design.
	mu     sync.Mutex
	salt   [32]byte
	proven map[[32]byte]bool
}

// NewAccounts returns accounts for users whose passwords are given in the clear.
func NewAccounts(users ...User) (*Accounts, error) {
	hashes := map[string][]byte{}
	for _, u := range users {
		hash, err := hashPassword(u)
		if err != nil {
			return nil, err
		}
		hashes[u.Name] = hash
	}
	return newAccounts(hashes)
}

func newAccounts(hashes map[string][]byte) (*Accounts, error) {
	nobody, err := hashPassword(User{Name: "nobody", Password: rand.Text()})
	if err != nil {
		return nil, err
	}
	a := &Accounts{hashes: hashes, nobody: nobody, proven: map[[32]byte]bool{}}
	rand.Read(a.salt[:]) // never fails since Go 1.24
	return a, nil
}

// LoadUsers reads a users file: lines "name:hash", hash as of `htpasswd -nbB NAME PASSWORD` (bcrypt); '#' starts a
// comment line.
func LoadUsers(path string) (*Accounts, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "bad-users-file", "users file: %w", err)
	}
	hashes := map[string][]byte{}
	lines := bufio.NewScanner(bytes.NewReader(content))
	for number := 1; lines.Scan(); number++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, hash, _ := strings.Cut(line, ":")
		if _, err := bcrypt.Cost([]byte(hash)); name == "" || err != nil {
			// The line is not shown: somebody may have written a password where the hash belongs.
			return nil, sdp.Errorf(sdp.Invalid, "bad-users-file", "%s:%d: not a line \"name:bcrypt hash\"", path, number).
				WithRemedy("write the line `htpasswd -nbB NAME PASSWORD` prints")
		}
		hashes[name] = []byte(hash)
	}
	return newAccounts(hashes)
}

// SaveUsers writes a users file (mode 0600) that LoadUsers reads.
func SaveUsers(path string, users ...User) error {
	var b bytes.Buffer
	for _, u := range users {
		hash, err := hashPassword(u)
		if err != nil {
			return err
		}
		b.WriteString(u.Name + ":" + string(hash) + "\n")
	}
	return os.WriteFile(path, b.Bytes(), 0o600)
}

// hashCost is bcrypt's. Tests that do not mean it lower it: under the race detector a hash takes a second.
var hashCost = bcrypt.DefaultCost

func hashPassword(u User) ([]byte, error) {
	if u.Name == "" || strings.ContainsAny(u.Name, ":\n") {
		return nil, sdp.Errorf(sdp.Invalid, "bad-user", "%q cannot name a user", u.Name)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(u.Password), hashCost)
	if err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "bad-user", "the password of %s: %w", u.Name, err)
	}
	return hash, nil
}

// known reports whether there is a user of that name.
func (a *Accounts) known(name string) bool { return a.hashes[name] != nil }

// check reports whether password is the password of the user called name.
func (a *Accounts) check(name, password string) bool {
	hash := a.hashes[name]
	if hash == nil {
		_ = bcrypt.CompareHashAndPassword(a.nobody, []byte(password))
		return false
	}
	key := a.key(name, password)
	a.mu.Lock()
	proven := a.proven[key]
	a.mu.Unlock()
	if proven {
		return true
	}
	if bcrypt.CompareHashAndPassword(hash, []byte(password)) != nil {
		return false
	}
	a.mu.Lock()
	a.proven[key] = true
	a.mu.Unlock()
	return true
}

func (a *Accounts) key(name, password string) [32]byte {
	h := sha256.New()
	h.Write(a.salt[:])
	h.Write([]byte(name + "\x00" + password))
	return [32]byte(h.Sum(nil))
}
