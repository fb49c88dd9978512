package client

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sdp/internal/sdp"
)

// sessions is the file that keeps logins: $XDG_CONFIG_HOME/sdp/session, readable by its owner only. It holds session
// tokens, never a password.
type sessions struct {
	Current string             `json:"current"` // server of the last login
	Servers map[string]session `json:"servers"`

	path string
}

type session struct {
	User      string    `json:"user"`
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
}

func openSessions() (*sessions, error) {
	dir, err := os.UserConfigDir() // $XDG_CONFIG_HOME, else ~/.config
	if err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "no-config-dir", "there is no place for the session file: %w", err).
			WithRemedy("set HOME or XDG_CONFIG_HOME")
	}
	s := &sessions{path: filepath.Join(dir, "sdp", "session"), Servers: map[string]session{}}
	data, err := os.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "session-unreadable", "cannot read the session file: %w", err).
			WithRemedy("make it readable for this user, or remove it and log in again")
	}
	if json.Unmarshal(data, s) != nil || s.Servers == nil {
		return &sessions{path: s.path, Servers: map[string]session{}}, nil //nolint:nilerr // an unreadable login is no login
	}
	return s, nil
}

// put keeps a login and makes its server the current one.
func (s *sessions) put(server string, login session) error {
	s.Current, s.Servers[server] = server, login
	return s.save()
}

// drop forgets the login at a server.
func (s *sessions) drop(server string) error {
	delete(s.Servers, server)
	return s.save()
}

// save replaces the file as a whole, so that two commands at once cannot leave half of each.
func (s *sessions) save() error {
	if err := s.write(); err != nil {
		return sdp.Errorf(sdp.Invalid, "session-unwritable", "cannot write the session file: %w", err).
			WithRemedy("make its directory writable, or set XDG_CONFIG_HOME to one that is")
	}
	return nil
}

func (s *sessions) write() error {
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(s.path), "session-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(append(data, '\n'))
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), s.path)
}

// normal returns the form of a server's URL under which its session is kept.
func normal(server string) string {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	return strings.TrimRight(server, "/")
}
