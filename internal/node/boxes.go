package node

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"sdp/internal/containers"
	"sdp/internal/git"
	"sdp/internal/sdp"
	"sdp/internal/secret"
	"sdp/internal/wire"
)

// Boxes opens what the server sealed to this node for one operation. What is inside is kept no longer than a call.
type Boxes struct {
	node  string
	keys  *secret.NodeKeys
	token secret.Value
}

// Credentials opens the box that holds a user's git credentials. An empty box is no credentials.
func (b *Boxes) Credentials(box sdp.SealedBox, operation string) (git.Credentials, error) {
	var c git.Credentials
	if box.Empty() {
		return c, nil
	}
	plain, err := b.open(box, operation)
	if err != nil {
		return c, err
	}
	var parsed struct{ User, Password string }
	if err := json.Unmarshal(plain, &parsed); err != nil {
		return c, errors.New("the credentials box holds no credentials")
	}
	return git.Credentials(parsed), nil
}

// Confidential opens the box that holds a deployment's secret variables and its files.
func (b *Boxes) Confidential(box sdp.SealedBox, deployment string) (Confidential, error) {
	if box.Empty() {
		return Confidential{}, nil
	}
	plain, err := b.open(box, deployment)
	if err != nil {
		return Confidential{}, err
	}
	c, err := wire.ParseConfidential(plain)
	return Confidential{c}, err
}

func (b *Boxes) open(box sdp.SealedBox, operation string) ([]byte, error) {
	plain, err := b.keys.Open(box, b.node, operation, time.Now())
	if err != nil {
		return nil, fmt.Errorf("opening what was sealed to node %s: %w", b.node, err)
	}
	return plain, nil
}

// Prove returns this node's proof that it says a claim.
func (b *Boxes) Prove(claim ...string) string { return secret.Prove(b.token, claim...) }

// Confidential is what a deployment's box holds.
type Confidential struct{ wire.Confidential }

// Secrets are what must not show in logs and errors.
func (c Confidential) Secrets() []string {
	var out []string
	for _, v := range c.Vars {
		out = append(out, v)
	}
	return append(out, contentsToMask(c.files())...)
}

// files are the files as a container is given them.
func (c Confidential) files() []containers.File {
	var files []containers.File
	for _, f := range c.Files {
		files = append(files, containers.File(f))
	}
	slices.SortFunc(files, func(a, b containers.File) int { return cmp.Compare(a.Path, b.Path) })
	return files
}

// maxMaskedFiles is how much of a container's files is looked for in its logs, in bytes: a masker's memory is a few dozen
// times that. Keys and certificates are small; of larger files the smaller ones count first.
const maxMaskedFiles = 32 << 10

// minMaskedFile is the length in bytes from which a file's content is looked for: a file that says "true" must not blank
// out that word everywhere.
const minMaskedFile = 8

// contentsToMask are the contents of files, and with them their lines, that a masker should look for.
func contentsToMask(files []containers.File) []string {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b containers.File) int { return cmp.Compare(len(a.Content), len(b.Content)) })
	var out []string
	left := maxMaskedFiles
	for _, f := range files {
		if left -= len(f.Content); left < 0 {
			break
		}
		if content := bytes.TrimSpace(f.Content); len(content) >= minMaskedFile {
			out = append(out, string(content))
		}
	}
	return out
}
