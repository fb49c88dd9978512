// Package settings is about what a service's container gets besides its image: variables, secrets and files in layers (the
// repository's defaults, the sandbox's environment, the sandbox's own, the service's own; later ones win), how large they
// may be, and which of them are in effect. Values of secrets and contents of files are encrypted wherever they are held.
package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"sdp/internal/sdp"
)

// Settings are everything a service's container gets besides its image, as it is stored: secrets and files encrypted.
type Settings struct {
	Environment        string // "" = none
	EnvironmentVersion int
	Layers             []SealedLayer // lowest first, from the repository's on
	Files              []SealedFile  // sorted by path
	FileContext        string        // followed by a file's path it is the context its content is opened with
	Limits             sdp.Limits    // effective: the service's, else the sandbox's, else the node's
}

// SealedLayer is a Layer with its secrets, encrypted for SecretPurpose.
type SealedLayer struct {
	Name      LayerName
	Of        string
	Variables map[string]string
	Secrets   map[string][]byte
	Context   string // followed by a key it is the context that key's secret is opened with
}

// OwnValues are the variables and secrets of a sandbox, or of one of its services.
type OwnValues struct {
	Variables map[string]string
	Secrets   map[string][]byte // encrypted for SecretPurpose
}

// LayersOf puts a service's layers together, lowest first. environment is nil where the sandbox has none.
func LayersOf(repository string, defaults map[string]string, environment *SealedLayer, sandbox string, common OwnValues,
	service string, own OwnValues) []SealedLayer {
	layers := []SealedLayer{{Name: LayerRepository, Of: repository, Variables: defaults}}
	if environment != nil {
		layers = append(layers, *environment)
	}
	return append(layers,
		SealedLayer{Name: LayerSandbox, Of: sandbox, Variables: common.Variables, Secrets: common.Secrets,
			Context: sdp.SecretContext(sandbox, "", "")},
		SealedLayer{Name: LayerService, Of: service, Variables: own.Variables, Secrets: own.Secrets,
			Context: sdp.SecretContext(sandbox, service, "")})
}

// SealedFile is a file of an environment, its content encrypted for SecretPurpose.
type SealedFile struct {
	Path    string
	Size    int // bytes of the content in clear
	Content []byte
}

// EnvironmentContext binds a secret or a file of an environment at rest to where it belongs: key is the variable's name
// or the file's path.
func EnvironmentContext(id int64, key string) string {
	return "environment:" + strconv.FormatInt(id, 10) + "/" + key
}

// effective says for each key which layer decides it.
func (s Settings) effective() map[string]SealedLayer {
	won := map[string]SealedLayer{}
	for _, layer := range s.Layers {
		for key := range layer.Variables {
			won[key] = layer
		}
		for key := range layer.Secrets {
			won[key] = layer
		}
	}
	return won
}

// Variables are the effective ones that are no secrets.
func (s Settings) Variables() map[string]string {
	vars := map[string]string{}
	for key, layer := range s.effective() {
		if _, secret := layer.Secrets[key]; !secret {
			vars[key] = layer.Variables[key]
		}
	}
	return vars
}

// SealedSecret is an effective secret and the context to open it with.
type SealedSecret struct {
	Sealed  []byte
	Context string
}

// Secrets are the effective ones.
func (s Settings) Secrets() map[string]SealedSecret {
	secrets := map[string]SealedSecret{}
	for key, layer := range s.effective() {
		if sealed, ok := layer.Secrets[key]; ok {
			secrets[key] = SealedSecret{sealed, layer.Context + key}
		}
	}
	return secrets
}

// SealedIdentity is what identifies a value at rest: the random part of its encrypted bytes. It is written once for each
// value and stays when the value is encrypted anew with another key (package secret: version, length of key ID, key ID,
// salt and nonce of 28 bytes, ciphertext). Values that are equal but were written apart have different ones.
func SealedIdentity(sealed []byte) []byte {
	const random = 28
	if len(sealed) < 2 || len(sealed) < 2+int(sealed[1])+random {
		return sealed
	}
	header := 2 + int(sealed[1])
	return sealed[header : header+random]
}

// Digest identifies what a container would get: 64 hexadecimal digits. Values that a higher layer hides do not count.
// Secrets and files count by their identity, which stays the same as long as the value does.
func (s Settings) Digest() string {
	type file struct {
		Path    string
		Content []byte
	}
	type limits struct { // without Limits' names on the wire: stored digests must stay what they are
		CPUs   float64
		Memory sdp.Bytes
		PIDs   int64
	}
	secrets := map[string][]byte{}
	for key, v := range s.Secrets() {
		secrets[key] = SealedIdentity(v.Sealed)
	}
	files := []file{}
	for _, f := range s.Files {
		files = append(files, file{f.Path, SealedIdentity(f.Content)})
	}
	plain, err := json.Marshal([]any{s.Variables(), secrets, files, limits(s.Limits)})
	if err != nil {
		panic(err) // none of these types can fail to marshal
	}
	sum := sha256.Sum256(plain)
	return hex.EncodeToString(sum[:])
}

// Explain says for each effective variable, by key, where it comes from and what it hides. It never holds the value of
// a secret.
func (s Settings) Explain() []EffectiveValue {
	won := s.effective()
	var list []EffectiveValue
	for _, key := range slices.Sorted(maps.Keys(won)) {
		list = append(list, s.explain(key, won[key]))
	}
	return list
}

func (s Settings) explain(key string, won SealedLayer) EffectiveValue {
	v := EffectiveValue{Key: key, Layer: won.Name, Of: won.Of}
	if _, v.Secret = won.Secrets[key]; !v.Secret {
		v.Value = won.Variables[key]
	}
	for _, layer := range slices.Backward(s.Layers) {
		_, secret := layer.Secrets[key]
		_, variable := layer.Variables[key]
		if layer.Name != won.Name && (secret || variable) {
			v.Overrides = append(v.Overrides, Origin{Layer: layer.Name, Of: layer.Of, Secret: secret})
		}
	}
	return v
}
