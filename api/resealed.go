package api

import (
	"bytes"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// resealed returns the secrets of one sandbox encrypted for another, whose contexts differ by its name. The values are in
// clear only here, in memory.
func (s *Server) resealed(secrets postgres.Secrets, from, to string) (postgres.Secrets, error) {
	return s.eachSecret(secrets, from, func(service, key string, sealed, value []byte) ([]byte, error) {
		if from == to {
			return sealed, nil
		}
		return s.cfg.Keys.Seal(sdp.SecretPurpose, value, sdp.SecretContext(to, service, key))
	})
}

// kept returns secrets with the bytes that now has for each value that is the same: equal bytes tell that nothing has to
// be restarted for them.
func (s *Server) kept(secrets, now postgres.Secrets, sandbox string) (postgres.Secrets, error) {
	return s.eachSecret(secrets, sandbox, func(service, key string, sealed, value []byte) ([]byte, error) {
		same, err := s.sameSecret(now[service][key], value, sdp.SecretContext(sandbox, service, key))
		if same {
			return now[service][key], nil
		}
		return sealed, err
	})
}

func (s *Server) sameSecret(sealed, value []byte, context string) (bool, error) {
	if sealed == nil {
		return false, nil
	}
	other, err := s.cfg.Keys.Open(sdp.SecretPurpose, sealed, context)
	return err == nil && bytes.Equal(other, value), err
}

// eachSecret opens each secret of a sandbox and returns what change makes of it.
func (s *Server) eachSecret(secrets postgres.Secrets, sandbox string,
	change func(service, key string, sealed, value []byte) ([]byte, error)) (postgres.Secrets, error) {
	out := postgres.Secrets{}
	for service, values := range secrets {
		out[service] = map[string][]byte{}
		for key, sealed := range values {
			value, err := s.cfg.Keys.Open(sdp.SecretPurpose, sealed, sdp.SecretContext(sandbox, service, key))
			if err != nil {
				return nil, err
			}
			if out[service][key], err = change(service, key, sealed, value); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// differentSecrets lists the secrets in which two states of a sandbox differ, by name.
func (s *Server) differentSecrets(before, after postgres.Secrets, sandbox string) ([]sdp.Difference, error) {
	merged, err := s.kept(after, before, sandbox)
	if err != nil {
		return nil, err
	}
	return sdp.DiffSecrets(before, merged), nil
}
