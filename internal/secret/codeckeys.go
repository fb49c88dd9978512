package secret

import "time"

const codecPurpose = "temporal payload"

// CodecKeys are the keys all Temporal payloads are encrypted with. Server and workers of an installation have the same
// file.
type CodecKeys struct{ set *keyset }

// LoadCodecKeys reads the keys at path and creates the file (mode 0600) if there is none.
func LoadCodecKeys(path string) (*CodecKeys, error) {
	set, err := loadKeyset(path, time.Now())
	if err != nil {
		return nil, err
	}
	return &CodecKeys{set: set}, nil
}

// Prepare adds a key that opens but does not seal yet, and returns its ID. Where machines have copies of the file,
// prepare, copy it everywhere, then Rotate: so nobody meets a payload whose key it lacks.
func (c *CodecKeys) Prepare() (keyID string, err error) { return c.set.prepare(time.Now()) }

// Rotate makes the prepared key, or else a new one, active. Old keys stay for opening.
func (c *CodecKeys) Rotate() error { return c.set.rotate(time.Now()) }

// Retire deletes an old key. Do so when the namespace's retention and the longest workflow have passed since Rotate.
func (c *CodecKeys) Retire(keyID string) error { return c.set.retire(keyID) }

// Keys lists the keys there are, oldest first.
func (c *CodecKeys) Keys() []KeyInfo { return c.set.infos() }

// Seal encrypts a payload with the active key, and returns that key's ID beside it.
func (c *CodecKeys) Seal(payload []byte) (keyID string, sealed []byte, err error) {
	active := c.set.active()
	sealed, err = seal(active, codecPurpose, "", payload)
	return active.ID, sealed, err
}

// Open decrypts what Seal made, with the active or any old key.
func (c *CodecKeys) Open(sealed []byte) ([]byte, error) {
	return c.set.unseal(codecPurpose, "", sealed)
}
