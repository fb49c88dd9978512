package secret

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// Prove says that the node with this token found something to be true: an HMAC under the token, which besides the node
// only the server knows. A proof is good for what it names and for nothing else.
func Prove(token Value, of ...string) string {
	mac := hmac.New(sha256.New, []byte(token.Reveal()))
	text := []byte("sdp/proof/v1")
	for _, part := range of {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	mac.Write(text)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// CheckProof reports whether the node said so, with the token issued then, made with the active or an old key.
func (k *Keyring) CheckProof(node string, issued time.Time, proof string, of ...string) bool {
	ok := false
	for _, key := range k.set.all() {
		want := Prove(New(nodeToken(key, node, issued)), of...)
		ok = hmac.Equal([]byte(proof), []byte(want)) || ok
	}
	return ok
}
