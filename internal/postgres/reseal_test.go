package postgres_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
	"sdp/internal/secret"
)

// Everything at rest opens after the old key is gone, nothing counts as changed, and it can be repeated.
func TestResealChangesTheKeyAndNothingElse(t *testing.T) {
	t.Parallel()
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	must(t, db.RegisterNode(t.Context(), micro()))
	must(t, db.RegisterNode(t.Context(), gatewayNode(8080, 8090)))
	keys := got(secret.LoadKeyring(filepath.Join(t.TempDir(), "k")))(t)
	seal := func(value, at string) []byte { return got(keys.Seal(sdp.SecretPurpose, []byte(value), at))(t) }
	got(db.CreateEnvironment(t.Context(), postgres.EnvironmentChange{Name: "dev", User: "ann",
		Change: func(s postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) {
			return &postgres.EnvironmentContent{Secrets: map[string][]byte{"E": seal("e", settings.EnvironmentContext(s.ID, "E"))},
				Files: map[string]settings.SealedFile{"/f": {Size: 1, Content: seal("f", settings.EnvironmentContext(s.ID, "/f"))}}}, nil
		}}))(t)
	n := newSandbox("box")
	n.Spec.Environment = "dev"
	n.Spec.Services = map[string]sdp.ServiceSpec{"account": {Branch: "main"}}
	n.Secrets = map[string]map[string][]byte{"": {"S": seal("s", sdp.SecretContext("box", "", "S"))},
		"account": {"V": seal("v", sdp.SecretContext("box", "account", "V"))}}
	got(db.CreateSandbox(t.Context(), n))(t)
	sql(t, url, `INSERT INTO snapshots (id, sandbox_id, name, author, spec, secrets) SELECT 's-1', s.id, 'first', 'ann', '{}',
		jsonb_build_object('', s.secrets, 'account', v.secrets) FROM sandboxes s JOIN sandbox_services v ON v.sandbox_id = s.id`)
	got(db.StoreCredential(t.Context(), "ann", seal("c", sdp.TrackingContext("ann"))))(t)

	old := keys.Keys()[0].ID
	digest := got(db.Settings(t.Context(), "box"))(t)["account"].Digest()
	must(t, keys.Rotate())
	uses := got(db.SealedWith(t.Context(), old, secret.SealedBy))(t)
	equal(t, "sealed with the old key", fmt.Sprint(uses), "[{secrets of environments 1} {files of environments 1} "+
		"{secrets of sandboxes 1} {secrets of services 1} {secrets of snapshots 2} {git credentials 1} {changes that have not ended 0}]")
	reseal := func(sealed []byte, at string) ([]byte, error) { return keys.Reseal(sdp.SecretPurpose, sealed, at) }
	report := got(db.Reseal(t.Context(), reseal))(t)
	equal(t, "report", fmt.Sprint(report), "[{secrets of environments 1 1} {files of environments 1 1} {secrets of sandboxes 1 1} "+
		"{secrets of services 1 1} {secrets of snapshots 2 2} {git credentials 1 1}]")
	for _, r := range got(db.Reseal(t.Context(), reseal))(t) {
		equal(t, r.What+" anew again", r.Anew, 0)
	}
	for _, use := range got(db.SealedWith(t.Context(), old, secret.SealedBy))(t) {
		equal(t, use.What, use.Values, 0)
	}
	must(t, keys.Retire(old))
	settings := got(db.Settings(t.Context(), "box"))(t)["account"]
	equal(t, "digest", settings.Digest(), digest)
	for key, v := range settings.Secrets() {
		value := got(keys.Open(sdp.SecretPurpose, v.Sealed, v.Context))(t)
		equal(t, key, string(value), string(bytes.ToLower([]byte(key))))
	}
	equal(t, "secrets", len(settings.Secrets()), 3)
	equal(t, "file", string(got(keys.Open(sdp.SecretPurpose, settings.Files[0].Content, settings.FileContext+"/f"))(t)), "f")
	equal(t, "size", settings.Files[0].Size, 1)
	credential := got(db.Credentials(t.Context(), "ann"))(t)["ann"]
	equal(t, "credential", string(got(keys.Open(sdp.SecretPurpose, credential.Sealed, sdp.TrackingContext("ann")))(t)), "c")
}
