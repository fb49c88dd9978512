package activities

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"slices"

	"sdp/internal/docker"
	"sdp/internal/sdp"
)

// Confidential is what a deployment's sealed box holds, as JSON: everything of its settings that only its node may see.
type Confidential struct {
	Vars  map[string]string  `json:"vars,omitempty"`  // secrets by variable name
	Files []ConfidentialFile `json:"files,omitempty"` // sorted by path
}

// ConfidentialFile is a file the container finds at Path, read-only.
type ConfidentialFile struct {
	Path    string `json:"path"`
	Content []byte `json:"content"`
}

// confidential opens the box that holds a deployment's secret variables and its files.
func (h *Host) confidential(box sdp.SealedBox, deployment string) (Confidential, error) {
	if box.Empty() {
		return Confidential{}, nil
	}
	plain, err := h.open(box, deployment)
	if err != nil {
		return Confidential{}, err
	}
	return parseConfidential(plain)
}

// parseConfidential also reads the boxes of servers from before environments had files: variables and nothing else. Its
// errors do not quote what it read.
func parseConfidential(plain []byte) (Confidential, error) {
	var c Confidential
	d := json.NewDecoder(bytes.NewReader(plain))
	d.DisallowUnknownFields()
	if d.Decode(&c) == nil {
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
	return sdp.CheckFilePaths(paths)
}

// files are the files as a container is given them.
func (c Confidential) files() []docker.File {
	var files []docker.File
	for _, f := range c.Files {
		files = append(files, docker.File(f))
	}
	slices.SortFunc(files, func(a, b docker.File) int { return cmp.Compare(a.Path, b.Path) })
	return files
}

// secrets are what must not show in logs and errors.
func (c Confidential) secrets() []string {
	var out []string
	for _, v := range c.Vars {
		out = append(out, v)
	}
	return append(out, SecretContents(c.files())...)
}

// maxMaskedFiles is how much of a container's files is looked for in its logs, in bytes: a masker's memory is a few dozen
// times that. Keys and certificates are small; of larger files the smaller ones count first.
const maxMaskedFiles = 32 << 10

// minMaskedFile is the length in bytes from which a file's content is looked for: a file that says "true" must not blank
// out that word everywhere.
const minMaskedFile = 8

// SecretContents are the contents of files, and with them their lines, that a masker should look for.
func SecretContents(files []docker.File) []string {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b docker.File) int { return cmp.Compare(len(a.Content), len(b.Content)) })
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
