package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"

	"sdp/internal/sdp"
)

// A sealed text is
//
//	version 1 | length of key ID | key ID | salt (16) | nonce (12) | AES-256-GCM ciphertext and tag
//
// The AES key is HKDF-SHA256(key, salt, purpose). The fresh salt lifts the limit of 2^32 random nonces that one GCM key
// has (NIST SP 800-38D, 8.3), which a payload codec would reach. Everything before the nonce and the caller's context
// are authenticated.
const (
	sealVersion = 1
	saltSize    = 16
	nonceSize   = 12
)

var errTampered = errors.New("not sealed with this key, for this purpose and context")

func seal(k key, purpose, context string, plaintext []byte) ([]byte, error) {
	random := make([]byte, saltSize+nonceSize)
	rand.Read(random) // never fails since Go 1.24
	return sealWith(k, random, purpose, context, plaintext)
}

// sealWith seals with given salt and nonce, which must be random and used for nothing else with this key.
func sealWith(k key, random []byte, purpose, context string, plaintext []byte) ([]byte, error) {
	out := slices.Concat([]byte{sealVersion, byte(len(k.ID))}, []byte(k.ID), random)
	salt, nonce := random[:saltSize], random[saltSize:]
	aead, err := subkey(k, purpose, salt)
	if err != nil {
		return nil, err
	}
	aad := slices.Concat(out[:len(out)-nonceSize], []byte(context))
	return aead.Seal(out, nonce, plaintext, aad), nil
}

// unseal opens what seal made with any of the set's keys.
func (s *keyset) unseal(purpose, context string, sealed []byte) ([]byte, error) {
	id, header, ok := sealedBy(sealed)
	if !ok {
		return nil, sdp.Errorf(sdp.Internal, "not-sealed", "this is not a sealed %s", purpose)
	}
	k, ok := s.find(id)
	if !ok {
		return nil, sdp.Errorf(sdp.Internal, "unknown-key",
			"a %s was sealed with key %s, which %s does not have", purpose, id, s.path).
			WithRemedy("copy the key file from the machine that sealed it; the same file belongs on all machines")
	}
	aead, err := subkey(k, purpose, sealed[header:header+saltSize])
	if err != nil {
		return nil, err
	}
	body := header + saltSize + nonceSize
	aad := slices.Concat(sealed[:header+saltSize], []byte(context))
	plaintext, err := aead.Open(nil, sealed[header+saltSize:body], sealed[body:], aad)
	if err != nil {
		return nil, sdp.Errorf(sdp.Internal, "tampered", "a sealed %s cannot be opened: %w", purpose, errTampered)
	}
	return plaintext, nil
}

// sealedBy returns the key ID in a sealed text and how long the part up to the salt is.
func sealedBy(sealed []byte) (id string, header int, ok bool) {
	if len(sealed) < 2 || sealed[0] != sealVersion {
		return "", 0, false
	}
	header = 2 + int(sealed[1])
	if len(sealed) < header+saltSize+nonceSize {
		return "", 0, false
	}
	return string(sealed[2:header]), header, true
}

func subkey(k key, purpose string, salt []byte) (cipher.AEAD, error) {
	raw, err := hkdf.Key(sha256.New, k.secret, salt, "sdp/seal/v1/"+purpose, keySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
