package control

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// EnvironmentEntries are entries to be put into an environment. Those of the same name are replaced.
type EnvironmentEntries struct {
	Variables map[string]string
	Secrets   map[string]string
	Files     []NewFile
	Note      string // why, for those who read the list of versions
}

// NewFile is a file to be put into an environment.
type NewFile struct {
	Path    string // absolute, in the container
	Content []byte
}

// EnvironmentUpdate is what to change of an environment. What it does not mention stays. If anything changes, a version is
// made of it.
type EnvironmentUpdate struct {
	Description *string
	EnvironmentEntries
	Unset       []string // variables and secrets to remove
	RemoveFiles []string // by path
	Version     int      // newest version the caller knows of: refused if there is a newer one; 0 = any
}

// CreateEnvironment makes an environment with its first version.
func (c *Control) CreateEnvironment(ctx context.Context, call *Call, name, description string,
	entries EnvironmentEntries) (settings.Environment, error) {
	if err := c.permit(call, sdp.AuditEnvironmentCreate, Object{Environment: name}); err != nil {
		return settings.Environment{}, err
	}
	if err := sdp.CheckEnvironmentName(name); err != nil {
		return settings.Environment{}, err
	}
	change := environmentChange{control: c, entries: entries}
	if err := change.check(); err != nil {
		return settings.Environment{}, err
	}
	return c.db.CreateEnvironment(ctx, postgres.EnvironmentChange{Name: name, Description: &description,
		User: call.User, Note: entries.Note, Change: change.noting(call, change.first)})
}

// UpdateEnvironment makes the next version of an environment, if anything changes.
func (c *Control) UpdateEnvironment(ctx context.Context, call *Call, name string, in EnvironmentUpdate) (settings.Environment, error) {
	if err := c.permit(call, sdp.AuditEnvironmentUpdate, Object{Environment: name}); err != nil {
		return settings.Environment{}, err
	}
	if err := sdp.CheckEnvironmentName(name); err != nil {
		return settings.Environment{}, err
	}
	change := environmentChange{control: c, entries: in.EnvironmentEntries, unset: in.Unset, removeFiles: in.RemoveFiles}
	if err := change.check(); err != nil {
		return settings.Environment{}, err
	}
	return c.db.UpdateEnvironment(ctx, postgres.EnvironmentChange{Name: name, Description: in.Description,
		User: call.User, Note: in.Note, Version: in.Version, Change: change.noting(call, change.next)})
}

// DeleteEnvironment deletes an environment that no sandbox uses.
func (c *Control) DeleteEnvironment(ctx context.Context, call *Call, name string) error {
	if err := c.permit(call, sdp.AuditEnvironmentDelete, Object{Environment: name}); err != nil {
		return err
	}
	if err := sdp.CheckEnvironmentName(name); err != nil {
		return err
	}
	return c.db.DeleteEnvironment(ctx, name)
}

// Environment returns an environment whose name comes from a caller.
func (c *Control) Environment(ctx context.Context, name string) (settings.Environment, error) {
	if err := sdp.CheckEnvironmentName(name); err != nil {
		return settings.Environment{}, err
	}
	return c.db.Environment(ctx, name)
}

// environmentChange turns what a caller wants of an environment into the content of its next version.
type environmentChange struct {
	control     *Control
	entries     EnvironmentEntries
	unset       []string
	removeFiles []string

	changed bool
	names   struct{ variables, secrets, files, removed []string } // what changed, sorted
}

// check refuses what is wrong whatever the environment holds.
func (c *environmentChange) check() error {
	for _, key := range slices.Sorted(maps.Keys(c.entries.Variables)) {
		if err := settings.CheckValue("variable", key, c.entries.Variables[key]); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.entries.Secrets)) {
		if err := settings.CheckValue("secret", key, c.entries.Secrets[key]); err != nil {
			return err
		}
		if _, twice := c.entries.Variables[key]; twice {
			return sdp.Errorf(sdp.Invalid, "variable-twice", "%s is given as a variable and as a secret", key).
				WithRemedy("give it once")
		}
	}
	seen := map[string]bool{}
	for _, f := range c.entries.Files {
		if err := settings.CheckFileContent(f.Path, f.Content); err != nil {
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
	return next, settings.CheckEnvironmentSize(entriesOf(stored.Content), entriesOf(*next))
}

func entriesOf(c postgres.EnvironmentContent) settings.EnvironmentEntries {
	return settings.EnvironmentEntries{Variables: c.Variables, Secrets: c.Secrets, Files: slices.Collect(maps.Values(c.Files))}
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
		sealed, same, err := c.control.sealOrKeep(next.Secrets[key], []byte(c.entries.Secrets[key]), settings.EnvironmentContext(stored.ID, key))
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
		sealed, same, err := c.control.sealOrKeep(next.Files[f.Path].Content, f.Content, settings.EnvironmentContext(stored.ID, f.Path))
		if err != nil {
			return err
		}
		if !same {
			next.Files[f.Path] = settings.SealedFile{Path: f.Path, Size: len(f.Content), Content: sealed}
			c.note(&c.names.files, f.Path)
		}
	}
	return nil
}

// noting makes the change note for the audit what it does.
func (c *environmentChange) noting(call *Call, change environmentStep) environmentStep {
	return func(stored postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) {
		content, err := change(stored)
		if err == nil {
			call.Event.Detail = c.auditDetail(stored.Version + 1)
		}
		return content, err
	}
}

type environmentStep = func(postgres.StoredEnvironment) (*postgres.EnvironmentContent, error)

// auditDetail is what the audit says of a change: names only.
func (c *environmentChange) auditDetail(version int) string {
	if !c.changed {
		return "nothing changed"
	}
	text := fmt.Sprintf("version %d", version)
	for _, part := range []struct {
		what  string
		names []string
	}{{"variables", c.names.variables}, {"secrets", c.names.secrets}, {"files", c.names.files}, {"removed", c.names.removed}} {
		if len(part.names) > 0 {
			text += "; " + part.what + " " + strings.Join(part.names, " ")
		}
	}
	return text
}

// sealOrKeep encrypts a value for the database, or returns what is stored if that is the same value: equal bytes then
// mean equal values.
func (c *Control) sealOrKeep(stored, value []byte, at string) (sealed []byte, same bool, err error) {
	if len(stored) > 0 {
		old, err := c.keys.Open(sdp.SecretPurpose, stored, at)
		if err == nil && bytes.Equal(old, value) {
			return stored, true, nil
		} // what cannot be opened any more is replaced
	}
	sealed, err = c.keys.Seal(sdp.SecretPurpose, value, at)
	return sealed, false, err
}
