package settings

import (
	"bytes"
	"strings"

	"sdp/internal/sdp"
)

// CheckValue returns an Invalid error unless value can be that of the variable or secret key. It never holds the value.
func CheckValue(what, key, value string) error {
	if err := sdp.CheckEnvKey(key); err != nil {
		return err
	}
	switch {
	case len(value) > MaxValue:
		return sdp.Errorf(sdp.Invalid, "too-large", "%s %s has %d bytes", what, key, len(value)).
			WithRemedy("a value has at most %d bytes; what is larger can be a file", MaxValue)
	case strings.ContainsRune(value, 0):
		return sdp.Errorf(sdp.Invalid, "bad-value", "%s %s has a zero byte in it", what, key).
			WithRemedy("no environment variable can hold one; a file can")
	}
	return nil
}

// CheckFileContent returns an Invalid error unless the file can be part of an environment.
func CheckFileContent(path string, content []byte) error {
	if err := CheckFilePath(path); err != nil {
		return err
	}
	if len(content) > MaxFile {
		return sdp.Errorf(sdp.Invalid, "too-large", "file %s has %d bytes", path, len(content)).
			WithRemedy("a file has at most %d bytes", MaxFile)
	}
	return nil
}

// EnvironmentEntries are what an environment's version holds.
type EnvironmentEntries struct {
	Variables map[string]string
	Secrets   map[string][]byte // encrypted
	Files     []SealedFile
}

// CheckEnvironmentSize returns an Invalid error if an environment would hold more than fits. before is what it holds now.
func CheckEnvironmentSize(before, after EnvironmentEntries) error {
	if n := len(after.Variables) + len(after.Secrets); n > MaxEnvironmentKeys {
		return sdp.Errorf(sdp.Invalid, "too-many-keys", "the environment would have %d variables and secrets", n).
			WithRemedy("it can have %d; use several environments, or a file", MaxEnvironmentKeys)
	}
	err := checkGrowth("the environment", before.sizes(), after.sizes(), MaxEnvironmentBytes,
		"shorten or remove some; what only one service needs can be a variable or a secret of that service")
	if err != nil {
		return err
	}
	var paths []string
	for _, f := range after.Files {
		paths = append(paths, f.Path)
	}
	return CheckFilePaths(paths)
}

func (e EnvironmentEntries) sizes() Sizes { return SizesOf(e.Variables, e.Secrets, e.Files) }

// EnvironmentDifferences lists in which entries two versions of an environment differ. Secrets and files differ where
// their encrypted bytes do; what they hold is not told.
func EnvironmentDifferences(before, after SealedLayer, filesBefore, filesAfter []SealedFile) []sdp.Difference {
	list := sdp.Differences("variable", before.Variables, after.Variables, func(a, b string) bool { return a == b },
		func(v string) string { return v })
	hidden := func([]byte) string { return "" }
	list = append(list, sdp.Differences("secret", before.Secrets, after.Secrets, SameSealed, hidden)...)
	return append(list, sdp.Differences("file", contents(filesBefore), contents(filesAfter), SameSealed, hidden)...)
}

func contents(files []SealedFile) map[string][]byte {
	m := map[string][]byte{}
	for _, f := range files {
		m[f.Path] = f.Content
	}
	return m
}

// SameSealed reports whether two encrypted values are one that was written once.
func SameSealed(a, b []byte) bool { return bytes.Equal(SealedIdentity(a), SealedIdentity(b)) }
