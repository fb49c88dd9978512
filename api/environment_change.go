package api

import (
	"bytes"
	"maps"
	"slices"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
)

// environmentChange turns what a caller wants of an environment into the content of its next version.
type environmentChange struct {
	server      *Server
	entries     EnvironmentEntries
	unset       []string
	removeFiles []string

	changed bool
	names   struct{ variables, secrets, files, removed []string } // what changed, sorted
}

// check refuses what is wrong whatever the environment holds.
func (c *environmentChange) check() error {
	for _, key := range slices.Sorted(maps.Keys(c.entries.Variables)) {
		if err := sdp.CheckValue("variable", key, c.entries.Variables[key]); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.entries.Secrets)) {
		if err := sdp.CheckValue("secret", key, c.entries.Secrets[key]); err != nil {
			return err
		}
		if _, twice := c.entries.Variables[key]; twice {
			return sdp.Errorf(sdp.Invalid, "variable-twice", "%s is given as a variable and as a secret", key).
				WithRemedy("give it once")
		}
	}
	seen := map[string]bool{}
	for _, f := range c.entries.Files {
		if err := sdp.CheckFileContent(f.Path, f.Content); err != nil {
			return err
		}
		if seen[f.Path] {
			return sdp.Errorf(sdp.Invalid, "file-twice", "file %s is given twice", f.Path).WithRemedy("give it once")
		}
		seen[f.Path] = true
	}
	return nil
}

// first is the content of an environment's first version.
func (c *environmentChange) first(stored postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) {
	content, err := c.next(stored)
	if content == nil && err == nil {
		content = &postgres.EnvironmentContent{}
	}
	c.changed = true
	return content, err
}

// next is the content of the version after the stored one, nil if it would be the same.
func (c *environmentChange) next(stored postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) {
	c.changed, c.names = false, struct{ variables, secrets, files, removed []string }{}
	next := &postgres.EnvironmentContent{Variables: copied(stored.Content.Variables), Secrets: copied(stored.Content.Secrets),
		Files: copied(stored.Content.Files)}
	for _, change := range []func(postgres.StoredEnvironment, *postgres.EnvironmentContent) error{
		c.remove, c.setVariables, c.setSecrets, c.setFiles,
	} {
		if err := change(stored, next); err != nil {
			return nil, err
		}
	}
	if !c.changed {
		return nil, nil
	}
	return next, sdp.CheckEnvironmentSize(next.Variables, next.Secrets, slices.Collect(maps.Values(next.Files)))
}

func copied[V any](m map[string]V) map[string]V {
	out := make(map[string]V, len(m))
	maps.Copy(out, m)
	return out
}

func (c *environmentChange) remove(_ postgres.StoredEnvironment, next *postgres.EnvironmentContent) error {
	if err := unset(c.unset, next.Variables, next.Secrets, "", "sdp env show"); err != nil {
		return err
	}
	for _, key := range c.unset {
		c.note(&c.names.removed, key)
	}
	for _, path := range c.removeFiles {
		if _, ok := next.Files[path]; !ok {
			return unknown("unknown-file", "file", path, slices.Collect(maps.Keys(next.Files)), "`sdp env show` lists those there are")
		}
		delete(next.Files, path)
		c.note(&c.names.removed, path)
	}
	return nil
}

// unset removes keys from variables and secrets. of says whose they are, list is the command that lists them.
func unset(keys []string, variables map[string]string, secrets map[string][]byte, of, list string) error {
	for _, key := range keys {
		_, variable := variables[key]
		_, secret := secrets[key]
		if !variable && !secret {
			known := slices.Concat(slices.Collect(maps.Keys(variables)), slices.Collect(maps.Keys(secrets)))
			return unknown("unknown-variable", "variable or secret"+of, key, known, "`"+list+"` lists those there are")
		}
		delete(variables, key)
		delete(secrets, key)
	}
	return nil
}

func (c *environmentChange) note(list *[]string, name string) {
	c.changed = true
	*list = append(*list, name)
}

func (c *environmentChange) setVariables(_ postgres.StoredEnvironment, next *postgres.EnvironmentContent) error {
	for _, key := range slices.Sorted(maps.Keys(c.entries.Variables)) {
		if _, secret := next.Secrets[key]; secret {
			return sdp.Errorf(sdp.Conflict, "is-a-secret", "%s is a secret of the environment: as a variable everybody could read it", key).
				WithRemedy("set it as a secret, or unset it in the same call to make it a variable")
		}
		value := c.entries.Variables[key]
		if old, ok := next.Variables[key]; !ok || old != value {
			next.Variables[key] = value
			c.note(&c.names.variables, key)
		}
	}
	return nil
}

func (c *environmentChange) setSecrets(stored postgres.StoredEnvironment, next *postgres.EnvironmentContent) error {
	for _, key := range slices.Sorted(maps.Keys(c.entries.Secrets)) {
		sealed, same, err := c.server.sealOrKeep(next.Secrets[key], []byte(c.entries.Secrets[key]), sdp.EnvironmentContext(stored.ID, key))
		if err != nil {
			return err
		}
		if !same {
			next.Secrets[key] = sealed
			delete(next.Variables, key)
			c.note(&c.names.secrets, key)
		}
	}
	return nil
}

func (c *environmentChange) setFiles(stored postgres.StoredEnvironment, next *postgres.EnvironmentContent) error {
	for _, f := range c.entries.Files {
		sealed, same, err := c.server.sealOrKeep(next.Files[f.Path].Content, f.Content, sdp.EnvironmentContext(stored.ID, f.Path))
		if err != nil {
			return err
		}
		if !same {
			next.Files[f.Path] = sdp.SealedFile{Path: f.Path, Size: len(f.Content), Content: sealed}
			c.note(&c.names.files, f.Path)
		}
	}
	return nil
}

// sealOrKeep encrypts a value for the database, or returns what is stored if that is the same value: equal bytes then
// mean equal values.
func (s *Server) sealOrKeep(stored, value []byte, at string) (sealed []byte, same bool, err error) {
	if len(stored) > 0 {
		old, err := s.cfg.Keys.Open(sdp.SecretPurpose, stored, at)
		if err == nil && bytes.Equal(old, value) {
			return stored, true, nil
		} // what cannot be opened any more is replaced
	}
	sealed, err = s.cfg.Keys.Seal(sdp.SecretPurpose, value, at)
	return sealed, false, err
}
