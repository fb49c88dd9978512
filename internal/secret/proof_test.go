package secret_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sdp/internal/secret"
)

func TestProofIsGoodForWhatItNamesOnly(t *testing.T) {
	k, other := keyring(t, filepath.Join(t.TempDir(), "k")), keyring(t, filepath.Join(t.TempDir(), "k"))
	token := secret.New(k.NodeToken("micro-1", time.Time{}))
	proof := secret.Prove(token, "login", "l-1", "alice")
	if !k.CheckProof("micro-1", time.Time{}, proof, "login", "l-1", "alice") {
		t.Fatal("the node's proof is refused")
	}
	if strings.Contains(proof, token.Reveal()) {
		t.Error("the proof shows the token")
	}
	for name, good := range map[string]bool{
		"another login":   k.CheckProof("micro-1", time.Time{}, proof, "login", "l-2", "alice"),
		"another user":    k.CheckProof("micro-1", time.Time{}, proof, "login", "l-1", "bob"),
		"another node":    k.CheckProof("micro-2", time.Time{}, proof, "login", "l-1", "alice"),
		"another split":   k.CheckProof("micro-1", time.Time{}, proof, "login", "l-1a", "lice"),
		"another keyring": other.CheckProof("micro-1", time.Time{}, proof, "login", "l-1", "alice"),
		"another token":   k.CheckProof("micro-1", time.Time{}, secret.Prove(secret.New(k.NodeToken("micro-2", time.Time{})), "login", "l-1", "alice"), "login", "l-1", "alice"),
		"no proof":        k.CheckProof("micro-1", time.Time{}, "", "login", "l-1", "alice"),
	} {
		if good {
			t.Errorf("%s: the proof is accepted", name)
		}
	}
}

func TestProofHoldsAfterARotation(t *testing.T) {
	k := keyring(t, filepath.Join(t.TempDir(), "k"))
	token := secret.New(k.NodeToken("micro-1", time.Time{}))
	if err := k.Rotate(); err != nil {
		t.Fatal(err)
	}
	if !k.CheckProof("micro-1", time.Time{}, secret.Prove(token, "x"), "x") {
		t.Error("a node with the token it was given before is refused")
	}
}
