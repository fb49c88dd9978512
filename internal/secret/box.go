package secret

import (
	"crypto/hpke"
	"encoding/binary"
	"time"

	"sdp/internal/sdp"
)

// SealTo encrypts plaintext to a node's public key, for one operation and until expires (whole seconds count). Node,
// key, operation and expiry are part of what HPKE authenticates: a box with any of them changed does not open.
func SealTo(
	node, keyID string, public []byte, operation string, expires time.Time, plaintext []byte,
) (sdp.SealedBox, error) {
	pk, err := nodeKEM.NewPublicKey(public)
	if err != nil {
		return sdp.SealedBox{}, sdp.Errorf(sdp.Unavailable, "bad-node-key",
			"node %s registered a public key that cannot be used: %w", node, err).
			WithRemedy("restart the worker of node %s with the same version of sdp as the server", node)
	}
	expires = expires.UTC().Truncate(time.Second)
	info := boxInfo(node, keyID, operation, expires)
	sealed, err := hpke.Seal(pk, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, plaintext)
	if err != nil {
		return sdp.SealedBox{}, sdp.Errorf(sdp.Internal, "seal-failed", "sealing to node %s failed: %w", node, err)
	}
	return sdp.SealedBox{Node: node, KeyID: keyID, Operation: operation, ExpiresAt: expires, Ciphertext: sealed}, nil
}

// boxInfo is the HPKE info of a box. Each part is preceded by its length, so that no two boxes share one.
func boxInfo(node, keyID, operation string, expires time.Time) []byte {
	info := []byte("sdp/box/v1")
	for _, part := range []string{node, keyID, operation} {
		info = binary.AppendUvarint(info, uint64(len(part)))
		info = append(info, part...)
	}
	return binary.BigEndian.AppendUint64(info, uint64(expires.Unix()))
}
