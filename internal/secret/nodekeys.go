package secret

import (
	"crypto/hpke"
	"path/filepath"
	"slices"
	"time"

	"sdp/internal/sdp"
)

const (
	// NodeKeyLife is how long a node seals to the same key pair before RotateDue makes a new one.
	NodeKeyLife = 24 * time.Hour
	// NodeKeyGrace is how long an old private key still opens boxes. It is longer than any operation, and what is in a
	// history cannot be opened by anybody after it.
	NodeKeyGrace = 24 * time.Hour
)

// nodeKEM is X-Wing: X25519 combined with ML-KEM-768, so that a history kept today stays closed to a quantum computer.
// A box is 1,136 bytes longer than its content.
var nodeKEM = hpke.MLKEM768X25519()

// NodeKeys are a node's key pairs. They may be used from several goroutines.
type NodeKeys struct{ set *keyset }

// OpenNodeKeys reads the key pairs in dir/node.keys and creates the file (mode 0600) if there is none.
func OpenNodeKeys(dir string) (*NodeKeys, error) {
	set, err := loadKeyset(filepath.Join(dir, "node.keys"), time.Now())
	if err != nil {
		return nil, err
	}
	for _, k := range set.all() {
		if _, err := nodeKEM.NewPrivateKey(k.secret); err != nil {
			return nil, damaged("key %s in %s: %w", k.ID, set.path, err)
		}
	}
	return &NodeKeys{set: set}, nil
}

// Public returns the public key to seal to now, and its ID. The worker registers both.
func (n *NodeKeys) Public() (keyID string, public []byte) {
	k := n.set.active()
	private, err := nodeKEM.NewPrivateKey(k.secret)
	if err != nil {
		panic(err) // every 32-byte seed is a key, and parseKey takes no other length
	}
	return k.ID, private.PublicKey().Bytes()
}

// Open returns what is in the box, if the box was sealed to this node for this operation and has not expired. Errors:
// Unauthenticated/"credentials-expired" after the expiry and when the key is gone; Internal/"wrong-box" for a box that
// belongs elsewhere or was altered.
func (n *NodeKeys) Open(box sdp.SealedBox, node, operation string, now time.Time) ([]byte, error) {
	if box.Node != node || box.Operation != operation {
		return nil, sdp.Errorf(sdp.Internal, "wrong-box",
			"a sealed box for node %q and operation %q was given to node %q for %q", box.Node, box.Operation, node, operation)
	}
	if !now.Before(box.ExpiresAt) {
		until := box.ExpiresAt.UTC().Format(time.RFC3339)
		return nil, boxExpired("the credentials for %s were valid until %s, and the clock of node %s says %s", operation, until, node,
			now.UTC().Format(time.RFC3339))
	}
	k, ok := n.set.find(box.KeyID)
	if !ok || k.State == KeyOld && now.Sub(k.Since) > NodeKeyGrace {
		return nil, boxExpired("the credentials for %s were sealed to key %s, which node %s no longer has",
			operation, box.KeyID, node)
	}
	private, err := nodeKEM.NewPrivateKey(k.secret)
	if err != nil {
		return nil, sdp.Errorf(sdp.Internal, "bad-key-file", "node key %s is unusable", k.ID)
	}
	info := boxInfo(node, box.KeyID, operation, box.ExpiresAt)
	plaintext, err := hpke.Open(private, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), info, box.Ciphertext)
	if err != nil {
		return nil, sdp.Errorf(sdp.Internal, "wrong-box",
			"the sealed box for operation %s was altered or belongs elsewhere", operation)
	}
	return plaintext, nil
}

// Rotate makes a new key pair, which Public returns from now on, and deletes those replaced more than NodeKeyGrace ago.
// The caller registers the new public key; until then boxes to the old one still open.
func (n *NodeKeys) Rotate(now time.Time) error {
	if err := n.set.rotate(now); err != nil {
		return err
	}
	return n.deleteExpired(now)
}

// RotateDue rotates if the key pair is older than NodeKeyLife, deletes those replaced more than NodeKeyGrace ago, and
// reports whether there is a new public key to register. It is meant to be called every few minutes.
func (n *NodeKeys) RotateDue(now time.Time) (bool, error) {
	if now.Sub(n.set.active().Since) < NodeKeyLife {
		return false, n.deleteExpired(now)
	}
	return true, n.Rotate(now)
}

func (n *NodeKeys) deleteExpired(now time.Time) error {
	expired := func(k key) bool { return k.State == KeyOld && now.Sub(k.Since) > NodeKeyGrace }
	if !slices.ContainsFunc(n.set.all(), expired) {
		return nil
	}
	return n.set.change(func(keys []key) ([]key, error) { return slices.DeleteFunc(keys, expired), nil })
}

func boxExpired(format string, args ...any) error {
	return sdp.Errorf(sdp.Unauthenticated, "credentials-expired", format, args...).WithRemedy("start the operation again; if it was started just now, " +
		"the clocks of server and node differ (`sdp nodes`): set them with NTP")
}
