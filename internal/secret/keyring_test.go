package secret_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sdp/internal/sdp"
	"sdp/internal/sdp/settings"
	"sdp/internal/secret"
	"sdp/internal/secret/redact"
)

func TestKeyFileIsCreatedPrivateAndReused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "master.key")
	a := keyring(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	sealed := must(a.Seal("p", []byte("x"), "c"))
	if got := must(keyring(t, path).Open("p", sealed, "c")); string(got) != "x" {
		t.Errorf("%q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestKeyFileThatOthersCanReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	keyring(t, path)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o622} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := secret.LoadKeyring(path)
		wantCode(t, err, "key-file-exposed")
		if !strings.Contains(err.Error(), "chmod 600 "+path) {
			t.Error(err)
		}
	}
}

func TestDamagedKeyFileIsRefused(t *testing.T) {
	good := base64.StdEncoding.EncodeToString(make([]byte, 32))
	line := func(id, state string) string { return id + " " + state + " 2026-01-02T03:04:05Z " + good + "\n" }
	for name, text := range map[string]string{
		"empty":       "",
		"no active":   line("k1", "old"),
		"two active":  line("k1", "active") + line("k2", "active"),
		"twice":       line("k1", "active") + line("k1", "old"),
		"state":       line("k1", "acitve"),
		"short":       "k1 active\n",
		"time":        "k1 active yesterday " + good,
		"short key":   "k1 active 2026-01-02T03:04:05Z AAAA",
		"no base64":   "k1 active 2026-01-02T03:04:05Z " + strings.Repeat("!", 44),
		"long id":     line(strings.Repeat("k", 256), "active"),
		"cut in half": (line("k1", "active") + line("k2", "old"))[:100],
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "k")
			if err := os.WriteFile(path, []byte("# comment\n"+text), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := secret.LoadKeyring(path)
			wantCode(t, err, "bad-key-file")
			if strings.Contains(err.Error(), good[:20]) {
				t.Errorf("the error quotes the key: %v", err)
			}
		})
	}
	_, err := secret.LoadKeyring(t.TempDir())
	wantCode(t, err, "key-file-exposed") // a directory, and not private
}

// Several processes may be started at once on a fresh installation.
func TestKeyFileCreatedByManyAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	var wg sync.WaitGroup
	tokens := make([]string, 16)
	for i := range tokens {
		wg.Go(func() {
			k, err := secret.LoadKeyring(path)
			if err != nil {
				t.Error(err)
				return
			}
			tokens[i] = k.MeshToken()
		})
	}
	wg.Wait()
	for _, token := range tokens {
		if token != tokens[0] {
			t.Fatal("two processes have different keys")
		}
	}
}

func TestSealedBytesAreBoundToPurposeAndContext(t *testing.T) {
	k := keyring(t, filepath.Join(t.TempDir(), "k"))
	sealed := must(k.Seal("environment", []byte(marker), "demo/account/KEY"))
	if bytes.Contains(sealed, []byte(marker)) {
		t.Fatal("not encrypted")
	}
	if again := must(k.Seal("environment", []byte(marker), "demo/account/KEY")); bytes.Equal(sealed, again) {
		t.Error("equal secrets have equal ciphertexts")
	}
	_, err := k.Open("session", sealed, "demo/account/KEY")
	wantCode(t, err, "tampered")
	_, err = k.Open("environment", sealed, "demo/payment/KEY")
	wantCode(t, err, "tampered")
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := k.Open("environment", bad, "demo/account/KEY"); err == nil {
			t.Fatalf("opened with byte %d changed", i)
		}
		if _, err := k.Open("environment", sealed[:i], "demo/account/KEY"); err == nil {
			t.Fatalf("opened when cut to %d bytes", i)
		}
	}
	if got := must(k.Open("environment", sealed, "demo/account/KEY")); string(got) != marker {
		t.Errorf("%q", got)
	}
	if got := must(k.Open("p", must(k.Seal("p", nil, "")), "")); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func TestRotationKeepsOldOpenableUntilRetired(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	k, other := keyring(t, path), keyring(t, path)
	old, token, mesh := must(k.Seal("p", []byte("old"), "")), k.NodeToken("micro-1", time.Time{}), k.MeshToken()
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	fresh := must(k.Seal("p", []byte("new"), ""))
	for _, ring := range []*secret.Keyring{other, k, keyring(t, path)} { // other was loaded before the rotation
		if string(must(ring.Open("p", fresh, ""))) != "new" || string(must(ring.Open("p", old, ""))) != "old" {
			t.Fatal("a key is missing")
		}
		if !nodesOwn(ring, "micro-1", token) || !nodesOwn(ring, "micro-1", ring.NodeToken("micro-1", time.Time{})) {
			t.Error("a node token became invalid")
		}
	}
	if k.NodeToken("micro-1", time.Time{}) == token || k.MeshToken() != mesh {
		t.Error("want a new node token and the same mesh token")
	}
	keys := k.Keys()
	if len(keys) != 2 || keys[0].State != secret.KeyOld || keys[1].State != secret.KeyActive {
		t.Fatalf("%+v", keys)
	}
	wantCode(t, k.Retire(keys[1].ID), "key-in-use")
	wantCode(t, k.Retire("nope"), "no-such-key")
	if err := k.Retire(keys[0].ID); err != nil {
		t.Fatal(err)
	}
	_, err := k.Open("p", old, "")
	wantCode(t, err, "unknown-key")
	if nodesOwn(k, "micro-1", token) || k.MeshToken() == mesh {
		t.Error("a retired key still makes tokens")
	}
}

func TestResealKeepsWhatIdentifiesAValue(t *testing.T) {
	k := keyring(t, filepath.Join(t.TempDir(), "k"))
	old := must(k.Seal("p", []byte(marker), "c"))
	if same := must(k.Reseal("p", old, "c")); !bytes.Equal(same, old) {
		t.Error("sealed anew without need")
	}
	before := k.Keys()[0].ID
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	fresh := must(k.Reseal("p", old, "c"))
	if !bytes.Equal(fresh, must(k.Reseal("p", old, "c"))) || bytes.Equal(fresh, old) {
		t.Error("want the same new bytes each time")
	}
	if !bytes.Equal(settings.SealedIdentity(fresh), settings.SealedIdentity(old)) || len(settings.SealedIdentity(old)) != 28 {
		t.Error("the identity changed")
	}
	if bytes.Equal(settings.SealedIdentity(must(k.Seal("p", []byte(marker), "c"))), settings.SealedIdentity(old)) {
		t.Error("two values have one identity")
	}
	_, err := k.Reseal("p", old, "other")
	wantCode(t, err, "tampered")
	if secret.SealedBy(old) != before || secret.SealedBy(fresh) == before || secret.SealedBy([]byte("x")) != "" {
		t.Error("SealedBy names the wrong key")
	}
	if err := k.Retire(before); err != nil {
		t.Fatal(err)
	}
	if string(must(k.Open("p", fresh, "c"))) != marker {
		t.Error("lost")
	}
}

func TestRotationsAtOnceLoseNoKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	sealed := must(keyring(t, path).Seal("p", []byte("first"), ""))
	var wg sync.WaitGroup
	for range 8 {
		k := keyring(t, path)
		wg.Go(func() {
			if err := k.Rotate(); err != nil {
				t.Error(err)
			}
			_ = must(k.Seal("p", nil, ""))
		})
	}
	wg.Wait()
	k := keyring(t, path)
	if n := len(k.Keys()); n != 9 {
		t.Errorf("%d keys, want 9", n)
	}
	_ = must(k.Open("p", sealed, ""))
}

func nodesOwn(k *secret.Keyring, node, token string) bool {
	_, ok := k.CheckNodeToken(node, token)
	return ok
}

// A token says when it was issued, and nobody can make it say something else.
func TestNodeTokenSaysWhenItWasIssued(t *testing.T) {
	k := keyring(t, filepath.Join(t.TempDir(), "k"))
	at := time.UnixMilli(1_700_000_000_123)
	token := k.NodeToken("micro-1", at)
	if issued, ok := k.CheckNodeToken("micro-1", token); !ok || !issued.Equal(at) {
		t.Errorf("issued %s, %v", issued, ok)
	}
	if issued, ok := k.CheckNodeToken("micro-1", k.NodeToken("micro-1", time.Time{})); !ok || !issued.IsZero() {
		t.Errorf("issued %s, %v", issued, ok)
	}
	bare, _, _ := strings.Cut(token, ".")
	for _, other := range []string{bare, bare + ".", bare + ".x", bare + ".1800000000123", token + "0", token + ".1",
		k.NodeToken("micro-1", time.Time{}) + ".1800000000123"} {
		if nodesOwn(k, "micro-1", other) {
			t.Errorf("%s passes", other)
		}
	}
	if got := redact.Text("called with " + token); strings.Contains(got, bare) {
		t.Error("package redact does not know node tokens")
	}
	of := []string{"login", "l-1", "alice"}
	proof := secret.Prove(secret.New(token), of...)
	if !k.CheckProof("micro-1", at, proof, of...) || k.CheckProof("micro-1", time.Time{}, proof, of...) {
		t.Error("want a proof to count only with the token it was made with")
	}
}

func TestNodeTokens(t *testing.T) {
	k := keyring(t, filepath.Join(t.TempDir(), "k"))
	token := k.NodeToken("micro-1", time.Time{})
	for node, token := range map[string]string{
		"micro-2": token, "micro-1": "", "": token, "micro-1 ": token, "x": k.MeshToken(),
	} {
		if nodesOwn(k, node, token) {
			t.Errorf("%q passes with a token that is not its own", node)
		}
	}
	if got := redact.Text("called with " + token); strings.Contains(got, token) {
		t.Error("package redact does not know node tokens")
	}
}

func TestSessionRoundTrip(t *testing.T) {
	k := keyring(t, filepath.Join(t.TempDir(), "k"))
	token, issued, err := k.IssueSession("bob", secret.New(marker), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s := must(k.OpenSession(token))
	if s.ID != issued.ID || s.User != "bob" || s.Password.Reveal() != marker || !s.ExpiresAt.Equal(issued.ExpiresAt) {
		t.Errorf("%+v, issued %+v", s, issued)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, "sdps_"))
	if bytes.Contains(raw, []byte(marker)) {
		t.Error("the token holds the password in clear")
	}
	if leaks(fmt.Sprintf("%+v %#v", s, s)) || strings.Contains(redact.Text("cookie was "+token), token) {
		t.Error("a session prints its password or token")
	}
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	_ = must(k.OpenSession(token)) // a rotation signs nobody out
}

func TestSessionRefused(t *testing.T) {
	k := keyring(t, filepath.Join(t.TempDir(), "k"))
	token, _, _ := k.IssueSession("bob", secret.New("x"), time.Hour)
	foreign, _, _ := keyring(t, filepath.Join(t.TempDir(), "k")).IssueSession("bob", secret.New("x"), time.Hour)
	forged := must(k.Seal("environment", []byte(`{"i":"s","u":"root","e":9999999999}`), ""))
	sealed := "sdps_" + base64.RawURLEncoding.EncodeToString(forged)
	for name, bad := range map[string]string{
		"empty": "", "junk": "sdps_!", "foreign": foreign, "cut": token[:len(token)-1],
		"no prefix": token[5:], "other purpose": sealed, "longer": token + "AA",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := k.OpenSession(bad)
			wantCode(t, err, "bad-session")
			if sdp.KindOf(err) != sdp.Unauthenticated {
				t.Error(sdp.KindOf(err))
			}
		})
	}
	expired, _, _ := k.IssueSession("bob", secret.New("x"), 0)
	_, err := k.OpenSession(expired)
	wantCode(t, err, "session-expired")
	_, _, err = k.IssueSession("bob", secret.New(strings.Repeat("x", 4000)), time.Hour)
	wantCode(t, err, "credentials-too-long")
	if _, _, err = k.IssueSession("bob", secret.New(strings.Repeat("x", 2000)), time.Hour); err != nil {
		t.Error(err)
	}
}

// The writer of a key file is killed again and again; the file must stay whole. Files are renamed into place, so this
// test only fails if that is given up.
func TestKeyFileSurvivesKill(t *testing.T) {
	if path := os.Getenv("SDP_TEST_ROTATE"); path != "" {
		k := keyring(t, path)
		for {
			if err := k.Rotate(); err != nil {
				t.Fatal(err)
			}
			for _, old := range k.Keys()[:1] {
				_ = k.Retire(old.ID)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "k")
	keyring(t, path)
	for range 10 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKeyFileSurvivesKill$")
		cmd.Env = append(os.Environ(), "SDP_TEST_ROTATE="+path)
		before := keyring(t, path).MeshToken()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for keyring(t, path).MeshToken() == before { // until it has rotated at least once
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		keyring(t, path)
	}
}

func keyring(t *testing.T, path string) *secret.Keyring {
	t.Helper()
	k, err := secret.LoadKeyring(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var e *sdp.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Errorf("error %v, want code %s", err, code)
	}
}
