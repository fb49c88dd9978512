package role

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/postgres/postgrestest"
	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
	"sdp/internal/secret"
)

func TestKeyIsKeptUntilNothingNeedsIt(t *testing.T) {
	url := postgrestest.URL(t)
	db := postgrestest.Open(t, url)
	file := filepath.Join(t.TempDir(), "master.key")
	keys, err := secret.LoadKeyring(file)
	must(t, err)
	_, err = db.CreateEnvironment(t.Context(), postgres.EnvironmentChange{Name: "dev", User: "ann",
		Change: func(s postgres.StoredEnvironment) (*postgres.EnvironmentContent, error) {
			sealed, err := keys.Seal(sdp.SecretPurpose, []byte("x"), settings.EnvironmentContext(s.ID, "K"))
			return &postgres.EnvironmentContent{Secrets: map[string][]byte{"K": sealed}}, err
		}})
	must(t, err)
	old := keys.Keys()[0].ID
	must(t, keys.Rotate())
	c := serverConfig{Database: databaseConfig{URL: url}, Keys: keysConfig{Master: file}}
	err = refuseUsed(t.Context(), c, old)
	if e := sdp.AsError(err); err == nil || e.Code != "key-needed" || !strings.Contains(e.Detail, "1 secrets of environments") {
		t.Fatalf("got %v", err)
	}
	report, err := reseal(t.Context(), c)
	must(t, err)
	if report[0].Anew != 1 {
		t.Errorf("report %+v", report)
	}
	must(t, refuseUsed(t.Context(), c, old))
	events, _, err := db.AuditEvents(t.Context(), postgres.AuditFilter{Action: "keys.reseal"}, postgres.Page{})
	if err != nil || len(events) != 1 || events[0].Detail != "1 values were encrypted anew" {
		t.Errorf("audit %+v %v", events, err)
	}
	c.Keys.Master += ".nope"
	if _, err := reseal(t.Context(), c); sdp.KindOf(err) != sdp.NotFound {
		t.Errorf("got %v, want that there is no such file", err)
	}
}

// Temporal's history cannot be searched, so that a codec key stays as long as it may hold anything.
func TestCodecKeyIsKeptAsLongAsTemporalKeepsHistory(t *testing.T) {
	keys, err := secret.LoadCodecKeys(filepath.Join(t.TempDir(), "codec.keys"))
	must(t, err)
	must(t, keys.Rotate())
	for _, kept := range []time.Duration{time.Hour, 30 * 24 * time.Hour} {
		err := refuseRecent(keys, kept, time.Now().Add(kept-time.Minute))
		if err == nil || sdp.AsError(err).Remedy == "" || !strings.Contains(err.Error(), "keeps its history for "+kept.String()) {
			t.Errorf("got %v", err)
		}
		must(t, refuseRecent(keys, kept, time.Now().Add(kept+time.Second)))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
