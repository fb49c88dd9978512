package postgres_test

import (
	"fmt"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
)

// environment makes an environment, or a version of it.
func environment(t testing.TB, db *postgres.DB, name string, content postgres.EnvironmentContent) settings.Environment {
	t.Helper()
	change := postgres.EnvironmentChange{Name: name, User: "ann",
		Change: func(postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) { return &content, nil }}
	e, err := db.UpdateEnvironment(t.Context(), change)
	if sdp.KindOf(err) == sdp.NotFound {
		e, err = db.CreateEnvironment(t.Context(), change)
	}
	must(t, err)
	return e
}

func content(variables map[string]string) postgres.EnvironmentContent {
	return postgres.EnvironmentContent{Variables: variables, Secrets: map[string][]byte{"TOKEN": {1}},
		Files: map[string]settings.SealedFile{"/etc/ca.pem": {Size: 3, Content: []byte{2}}}}
}

func TestEnvironmentVersions(t *testing.T) {
	t.Parallel()
	db := platform(t)
	environment(t, db, "dev", content(map[string]string{"LEVEL": "info"}))
	e := environment(t, db, "dev", content(map[string]string{"LEVEL": "debug"}))
	equal(t, "version", e.Version, 2)
	equal(t, "current", fmt.Sprint(e.Current.Variables, e.Current.SecretKeys, e.Current.Files), "map[LEVEL:debug] [TOKEN] [{/etc/ca.pem 3}]")
	first := got(db.EnvironmentVersion(t.Context(), "dev", 1))(t)
	equal(t, "first", first.Variables["LEVEL"], "info")
	layer, files, version, err := db.EnvironmentLayer(t.Context(), "dev", 0)
	must(t, err)
	equal(t, "layer", fmt.Sprintf("%d %s %s %v %v", version, layer.Name, layer.Of, layer.Secrets, files), "2 environment dev@2 map[TOKEN:[1]] [{/etc/ca.pem 3 [2]}]")
	versions, next, err := db.EnvironmentVersions(t.Context(), "dev", postgres.Page{Limit: 1})
	must(t, err)
	equal(t, "newest", versions[0].Version, 2)
	versions, _, err = db.EnvironmentVersions(t.Context(), "dev", postgres.Page{Limit: 1, Cursor: next})
	must(t, err)
	equal(t, "then", versions[0].Version, 1)

	_, err = db.EnvironmentVersion(t.Context(), "dev", 3)
	wantCode(t, err, sdp.NotFound, "unknown-version")
	_, _, _, err = db.EnvironmentLayer(t.Context(), "dve", 0)
	wantCode(t, err, sdp.NotFound, "unknown-environment")
	equal(t, "hint", sdp.AsError(err).Remedy[:18], `did you mean "dev"`)
	_, err = db.CreateEnvironment(t.Context(), postgres.EnvironmentChange{Name: "dev", User: "bob"})
	wantCode(t, err, sdp.Conflict, "environment-exists")
}

func TestEnvironmentChangedMeanwhile(t *testing.T) {
	t.Parallel()
	db := platform(t)
	environment(t, db, "dev", content(nil))
	environment(t, db, "dev", content(nil))
	change := postgres.EnvironmentChange{Name: "dev", User: "ann", Version: 1,
		Change: func(postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) {
			t.Error("a stale change was asked for its content")
			return nil, nil
		}}
	_, err := db.UpdateEnvironment(t.Context(), change)
	wantCode(t, err, sdp.Conflict, "environment-changed")

	description := "about"
	change.Version, change.Description = 2, &description
	change.Change = func(postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) { return nil, nil }
	e := got(db.UpdateEnvironment(t.Context(), change))(t)
	equal(t, "version", e.Version, 2)
	equal(t, "description", e.Description, "about")
}

// Versions count without gaps or doubles however many change an environment at once.
func TestEnvironmentChangedByManyAtOnce(t *testing.T) {
	t.Parallel()
	db := platform(t)
	environment(t, db, "dev", content(nil))
	const writers = 8
	errs := make(chan error, writers)
	for i := range writers {
		go func() {
			_, err := db.UpdateEnvironment(t.Context(), postgres.EnvironmentChange{Name: "dev", User: "ann",
				Change: func(s postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) {
					c := s.Content
					c.Variables[fmt.Sprint("KEY_", i)] = "x"
					return &c, nil
				}})
			errs <- err
		}()
	}
	for range writers {
		must(t, <-errs)
	}
	e := got(db.Environment(t.Context(), "dev"))(t)
	equal(t, "version", e.Version, 1+writers)
	equal(t, "variables", len(e.Current.Variables), writers)
}

func TestEnvironmentInUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	db := platform(t)
	environment(t, db, "dev", content(nil))
	n := newSandbox("box")
	n.Spec.Environment = "dev"
	got(db.CreateSandbox(t.Context(), n))(t)
	err := db.DeleteEnvironment(t.Context(), "dev")
	wantCode(t, err, sdp.Conflict, "environment-used")
	equal(t, "detail", sdp.AsError(err).Detail, "environment dev is used by sandbox box")
	must(t, db.BeginDelete(t.Context(), "box", sdp.Operation{ID: "o-del", RequestedBy: "ann"}))
	must(t, db.FinishDelete(t.Context(), "o-del", "box"))
	must(t, db.DeleteEnvironment(t.Context(), "dev"))
	wantCode(t, db.DeleteEnvironment(t.Context(), "dev"), sdp.NotFound, "unknown-environment")
	_, err = db.CreateSandbox(t.Context(), n)
	wantCode(t, err, sdp.NotFound, "unknown-environment")
	equal(t, "version of the next of that name", environment(t, db, "dev", content(nil)).Version, 1)
}

func TestSandboxNeedsAnEnvironmentThatExists(t *testing.T) {
	t.Parallel()
	db := platform(t)
	environment(t, db, "dev", content(nil))
	n := newSandbox("box")
	n.Spec.Environment, n.Spec.EnvironmentVersion = "dev", 2
	_, err := db.CreateSandbox(t.Context(), n)
	wantCode(t, err, sdp.NotFound, "unknown-version")
	n.Spec.EnvironmentVersion = 1
	got(db.CreateSandbox(t.Context(), n))(t)
}
