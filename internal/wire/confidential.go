package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"time"

	"sdp/internal/sdp/settings"
)

// BoxLifetime is how long a node may open what is sealed to it: longer than a deployment may wait for a build slot.
const BoxLifetime = 2 * time.Hour

// Confidential is what a deployment's sealed box holds, as JSON: everything of its settings that only its node may see.
type Confidential struct {
	Vars  map[string]string  `json:"vars,omitempty"`  // secrets by variable name
	Files []ConfidentialFile `json:"files,omitempty"` // sorted by path
	// Bytes are the secrets that would take more room as text, because it is full of what JSON escapes. Only the box has
	// any; whoever opens it finds them among Vars.
	Bytes map[string][]byte `json:"bytes,omitempty"`
}

// ConfidentialFile is a file the container finds at Path, read-only.
type ConfidentialFile struct {
	Path    string `json:"path"`
	Content []byte `json:"content"`
}

// Marshal returns what the box holds. A secret takes at most as much room as base64, 4/3 of it.
func (c Confidential) Marshal() ([]byte, error) {
	c.Vars, c.Bytes = maps.Clone(c.Vars), map[string][]byte{}
	for key, value := range c.Vars {
		if settings.JSONSize(value) > base64.StdEncoding.EncodedLen(len(value))+len(`""`) {
			c.Bytes[key] = []byte(value)
			delete(c.Vars, key)
		}
	}
	return json.Marshal(c)
}

// gather puts the secrets that came as bytes to the others.
func (c *Confidential) gather() {
	for key, value := range c.Bytes {
		if c.Vars == nil {
			c.Vars = map[string]string{}
		}
		c.Vars[key] = string(value)
	}
	c.Bytes = nil
}

// ParseConfidential also reads the boxes of servers from before environments had files: variables and nothing else. Its
// errors do not quote what it read.
func ParseConfidential(plain []byte) (Confidential, error) {
	var c Confidential
	d := json.NewDecoder(bytes.NewReader(plain))
	d.DisallowUnknownFields()
	if d.Decode(&c) == nil {
		c.gather()
		return c, c.check()
	}
	c = Confidential{}
	if json.Unmarshal(plain, &c.Vars) != nil {
		return Confidential{}, errors.New("the box holds no settings of a deployment")
	}
	return c, nil
}

// check looks at the paths once more, because everything else about them is decided on other machines.
func (c Confidential) check() error {
	var paths []string
	for _, f := range c.Files {
		paths = append(paths, f.Path)
	}
	return settings.CheckFilePaths(paths)
}
