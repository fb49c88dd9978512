package cli

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sdp/internal/atomicfile"
	"sdp/internal/sdp"
)

// Sessions is the file that keeps logins: $XDG_CONFIG_HOME/sdp/session, readable by its owner only. It holds session
// tokens, never a password.
type Sessions struct {
	Current string             `json:"current"` // server of the last login
	Servers map[string]Session `json:"servers"`

	path string
}

// Session is a login at one server.
type Session struct {
	User      string    `json:"user"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// OpenSessions reads the file of logins; one that is missing or damaged is as good as empty.
func OpenSessions() (*Sessions, error) {
	dir, err := os.UserConfigDir() // $XDG_CONFIG_HOME, else ~/.config
	if err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "no-config-dir", "there is no place for the session file: %w", err).
			WithRemedy("set HOME or XDG_CONFIG_HOME")
	}
	s := &Sessions{path: filepath.Join(dir, "sdp", "session"), Servers: map[string]Session{}}
	data, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "session-unreadable", "cannot read the session file: %w", err).
			WithRemedy("make it readable for this user, or remove it and log in again")
	}
	if json.Unmarshal(data, s) != nil || s.Servers == nil {
		return &Sessions{path: s.path, Servers: map[string]Session{}}, nil //nolint:nilerr // an unreadable login is no login
	}
	return s, nil
}

// Put keeps a login and makes its server the current one.
func (s *Sessions) Put(server string, login Session) error {
	s.Current, s.Servers[server] = server, login
	return s.save()
}

// Drop forgets the login at a server.
func (s *Sessions) Drop(server string) error {
	delete(s.Servers, server)
	return s.save()
}

// save replaces the file as a whole, so that two commands at once cannot leave half of each.
func (s *Sessions) save() error {
	if err := s.write(); err != nil {
		return sdp.Errorf(sdp.Invalid, "session-unwritable", "cannot write the session file: %w", err).
			WithRemedy("make its directory writable, or set XDG_CONFIG_HOME to one that is")
	}
	return nil
}

func (s *Sessions) write() error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(s.path, append(data, '\n'), 0o600)
}

// Normal returns the form of a server's URL under which its session is kept.
func Normal(server string) string {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	return strings.TrimRight(server, "/")
}
