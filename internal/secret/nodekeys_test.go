package secret_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/secret"
)

func TestBoxOpensOnlyWhereAndWhenItShould(t *testing.T) {
	keys := nodeKeys(t, t.TempDir())
	id, public := keys.Public()
	now := time.Now()
	box := must(secret.SealTo("micro-1", id, public, "d-1", now.Add(2*time.Hour), []byte(marker)))

	raw := must(json.Marshal(box)) // it travels through the database and Temporal
	var stored sdp.SealedBox
	if err := json.Unmarshal(raw, &stored); err != nil {
		t.Fatal(err)
	}
	stored.ExpiresAt = stored.ExpiresAt.In(time.FixedZone("x", 3600))
	if got := must(keys.Open(stored, "micro-1", "d-1", now)); string(got) != marker {
		t.Errorf("%q", got)
	}

	_, err := keys.Open(box, "micro-2", "d-1", now)
	wantCode(t, err, "wrong-box")
	_, err = keys.Open(box, "micro-1", "d-2", now)
	wantCode(t, err, "wrong-box")
	_, err = keys.Open(box, "micro-1", "d-1", now.Add(2*time.Hour))
	wantCode(t, err, "credentials-expired")
	_, err = nodeKeys(t, t.TempDir()).Open(box, "micro-1", "d-1", now)
	wantCode(t, err, "credentials-expired") // another node, or one whose key is gone

	for name, forge := range map[string]func(*sdp.SealedBox){
		"operation":  func(b *sdp.SealedBox) { b.Operation = "d-2" },
		"expiry":     func(b *sdp.SealedBox) { b.ExpiresAt = b.ExpiresAt.Add(time.Hour) },
		"node":       func(b *sdp.SealedBox) { b.Node = "micro-2" },
		"ciphertext": func(b *sdp.SealedBox) { b.Ciphertext = append([]byte{b.Ciphertext[0] ^ 1}, b.Ciphertext[1:]...) },
		"cut":        func(b *sdp.SealedBox) { b.Ciphertext = b.Ciphertext[:10] },
		"empty":      func(b *sdp.SealedBox) { b.Ciphertext = nil },
	} {
		forged := box
		forge(&forged)
		if _, err := keys.Open(forged, forged.Node, forged.Operation, now); err == nil {
			t.Errorf("opened with another %s", name)
		}
	}
	_, err = secret.SealTo("micro-1", id, public[:31], "d-1", now.Add(time.Hour), nil)
	wantCode(t, err, "bad-node-key")
}

func TestNodeKeysRotateAndForget(t *testing.T) {
	dir := t.TempDir()
	keys := nodeKeys(t, dir)
	id, public := keys.Public()
	start := time.Now()
	box := must(secret.SealTo("n", id, public, "op", start.Add(1000*time.Hour), []byte("x")))

	if due, err := keys.RotateDue(start.Add(23 * time.Hour)); due || err != nil {
		t.Fatal(due, err)
	}
	rotated := start.Add(25 * time.Hour)
	if due, err := keys.RotateDue(rotated); !due || err != nil {
		t.Fatal(due, err)
	}
	second, _ := keys.Public()
	if second == id {
		t.Fatal("the key stayed")
	}
	keys = nodeKeys(t, dir) // a restart changes nothing
	if again, _ := keys.Public(); again != second {
		t.Fatal("the new key was not saved")
	}
	if _, err := keys.Open(box, "n", "op", rotated.Add(23*time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err := keys.Open(box, "n", "op", rotated.Add(25*time.Hour))
	wantCode(t, err, "credentials-expired")

	if _, err := keys.RotateDue(rotated.Add(25 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, err = nodeKeys(t, dir).Open(box, "n", "op", rotated) // gone from the file, not only refused
	wantCode(t, err, "credentials-expired")
	info, err := os.Stat(filepath.Join(dir, "node.keys"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
}

func TestRotateDeletesWhatExpired(t *testing.T) {
	keys := nodeKeys(t, t.TempDir())
	id, public := keys.Public()
	start := time.Now()
	box := must(secret.SealTo("n", id, public, "op", start.Add(1000*time.Hour), []byte("x")))
	for day := range 3 {
		if err := keys.Rotate(start.Add(time.Duration(day) * 25 * time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := keys.Open(box, "n", "op", start)
	wantCode(t, err, "credentials-expired")
}

func nodeKeys(t *testing.T, dir string) *secret.NodeKeys {
	t.Helper()
	k, err := secret.OpenNodeKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func BenchmarkSealTo(b *testing.B) {
	keys, _ := secret.OpenNodeKeys(b.TempDir())
	id, public := keys.Public()
	for b.Loop() {
		box, _ := secret.SealTo("n", id, public, "op", time.Now().Add(time.Hour), []byte("x"))
		_, _ = keys.Open(box, "n", "op", time.Now())
	}
}
