package secret

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Keyring holds the server's master keys. It may be used from several goroutines.
type Keyring struct{ set *keyset }

// LoadKeyring reads the master keys at path and creates them (mode 0600) if there is no such file. A file that others
// can read is refused.
func LoadKeyring(path string) (*Keyring, error) {
	set, err := loadKeyset(path, time.Now())
	if err != nil {
		return nil, err
	}
	return &Keyring{set: set}, nil
}

// Seal encrypts plaintext with the active key. Only the same purpose and context open it: the purpose names the kind of
// thing ("environment"), the context the one thing (a row's key), so that a ciphertext moved to another row is useless.
func (k *Keyring) Seal(purpose string, plaintext []byte, context string) ([]byte, error) {
	return seal(k.set.active(), purpose, context, plaintext)
}

// Open decrypts what Seal made, with the active or any old key.
func (k *Keyring) Open(purpose string, sealed []byte, context string) ([]byte, error) {
	return k.set.unseal(purpose, context, sealed)
}

// Reseal encrypts what Seal made with an old key anew with the active one. What the active key sealed stays as it is.
//
// Salt and nonce stay: they are random, and have not been used with the new key. So equal sealed bytes stay equal, and
// settings.SealedIdentity stays what it is.
func (k *Keyring) Reseal(purpose string, sealed []byte, context string) ([]byte, error) {
	active := k.set.active()
	id, header, ok := sealedBy(sealed)
	if ok && id == active.ID {
		return sealed, nil
	}
	plaintext, err := k.set.unseal(purpose, context, sealed)
	if err != nil {
		return nil, err
	}
	return sealWith(active, sealed[header:header+saltSize+nonceSize], purpose, context, plaintext)
}

// SealedBy returns the ID of the key that sealed something, "" for what is not sealed.
func SealedBy(sealed []byte) string {
	id, _, _ := sealedBy(sealed)
	return id
}

// Rotate makes a new active key and keeps the old ones for opening. Node tokens given out before stay valid.
func (k *Keyring) Rotate() error { return k.set.rotate(time.Now()) }

// Retire deletes an old key: what it sealed cannot be opened any more and node tokens made with it are refused.
func (k *Keyring) Retire(keyID string) error { return k.set.retire(keyID) }

// Keys lists the keys there are, oldest first.
func (k *Keyring) Keys() []KeyInfo { return k.set.infos() }

// Tokens start with a prefix that says what they are, so that package redact finds them anywhere.
const (
	nodeTokenPrefix    = "sdpn_"
	meshTokenPrefix    = "sdpm_"
	sessionTokenPrefix = "sdps_"
)

// NodeToken returns a bearer token with which a node's worker calls the server. It says when it was issued, to the
// millisecond: a node that was removed needs a later one. Zero is the token that does not say, which is always the same.
func (k *Keyring) NodeToken(node string, issued time.Time) string {
	return nodeToken(k.set.active(), node, issued)
}

// CheckNodeToken reports whether token is the node's, made with the active or an old key, and when it was issued.
func (k *Keyring) CheckNodeToken(node, token string) (issued time.Time, ok bool) {
	if _, at, says := strings.Cut(token, "."); says {
		ms, err := strconv.ParseInt(at, 10, 64)
		if err != nil {
			return time.Time{}, false
		}
		issued = time.UnixMilli(ms)
	}
	equal := 0
	for _, key := range k.set.all() {
		equal |= subtle.ConstantTimeCompare([]byte(token), []byte(nodeToken(key, node, issued)))
	}
	return issued, equal == 1
}

// MeshToken returns the secret the instance's routers share. It is derived from the oldest key, because a token that
// changed with each rotation would cut routers off from each other until all have the new one. Retire changes it.
func (k *Keyring) MeshToken() string { return meshTokenPrefix + derive(k.set.all()[0], "mesh-token") }

func nodeToken(k key, node string, issued time.Time) string {
	if issued.IsZero() {
		return nodeTokenPrefix + derive(k, "node-token/"+node)
	}
	at := strconv.FormatInt(issued.UnixMilli(), 10)
	return nodeTokenPrefix + derive(k, "node-token/"+node+"/"+at) + "." + at
}

func derive(k key, info string) string {
	raw, err := hkdf.Key(sha256.New, k.secret, nil, "sdp/derive/v1/"+info, keySize)
	if err != nil {
		panic(err) // only for a length SHA-256 cannot give
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}
