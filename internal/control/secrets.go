package control

import (
	"bytes"
	"time"

	"sdp/internal/postgres"
	"sdp/internal/sdp"
	"sdp/internal/sdp/definition"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// resealed returns the secrets of one sandbox encrypted for another, whose contexts differ by its name. The values are in
// clear only here, in memory.
func (c *Control) resealed(secrets postgres.Secrets, from, to string) (postgres.Secrets, error) {
	return c.eachSecret(secrets, from, func(service, key string, sealed, value []byte) ([]byte, error) {
		if from == to {
			return sealed, nil
		}
		return c.keys.Seal(sdp.SecretPurpose, value, sdp.SecretContext(to, service, key))
	})
}

// kept returns secrets with the bytes that now has for each value that is the same: equal bytes tell that nothing has to
// be restarted for them.
func (c *Control) kept(secrets, now postgres.Secrets, sandbox string) (postgres.Secrets, error) {
	return c.eachSecret(secrets, sandbox, func(service, key string, sealed, value []byte) ([]byte, error) {
		same, err := c.sameSecret(now[service][key], value, sdp.SecretContext(sandbox, service, key))
		if same {
			return now[service][key], nil
		}
		return sealed, err
	})
}

func (c *Control) sameSecret(sealed, value []byte, context string) (bool, error) {
	if sealed == nil {
		return false, nil
	}
	other, err := c.keys.Open(sdp.SecretPurpose, sealed, context)
	return err == nil && bytes.Equal(other, value), err
}

// eachSecret opens each secret of a sandbox and returns what change makes of it.
func (c *Control) eachSecret(secrets postgres.Secrets, sandbox string,
	change func(service, key string, sealed, value []byte) ([]byte, error)) (postgres.Secrets, error) {
	out := postgres.Secrets{}
	for service, values := range secrets {
		out[service] = map[string][]byte{}
		for key, sealed := range values {
			value, err := c.keys.Open(sdp.SecretPurpose, sealed, sdp.SecretContext(sandbox, service, key))
			if err != nil {
				return nil, err
			}
			if out[service][key], err = change(service, key, sealed, value); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// differentSecrets lists the secrets in which two states of a sandbox differ, by name.
func (c *Control) differentSecrets(before, after postgres.Secrets, sandbox string) ([]sdp.Difference, error) {
	merged, err := c.kept(after, before, sandbox)
	if err != nil {
		return nil, err
	}
	return definition.DiffSecrets(before, merged), nil
}

// seal puts an actor's credentials into a box only the node can open, and only for one operation.
func (c *Control) seal(node sdp.Node, operation string, who Actor) (sdp.SealedBox, error) {
	plain, err := who.credentials()
	if err != nil {
		return sdp.SealedBox{}, err
	}
	return c.sealed(node, operation, wire.BoxLifetime, plain)
}

// sealed is what only a node can open, only for one operation and not for longer than lifetime.
func (c *Control) sealed(node sdp.Node, operation string, lifetime time.Duration, plain []byte) (sdp.SealedBox, error) {
	return secret.SealTo(node.Name, node.KeyID, node.PublicKey, operation, c.now().Add(lifetime), plain)
}
