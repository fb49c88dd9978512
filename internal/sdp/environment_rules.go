package sdp

import (
	"bytes"
	"maps"
	"slices"
	"strings"
)

// CheckValue returns an Invalid error unless value can be that of the variable or secret key. It never holds the value.
func CheckValue(what, key, value string) error {
	if err := CheckEnvKey(key); err != nil {
		return err
	}
	switch {
	case len(value) > MaxValue:
		return Errorf(Invalid, "too-large", "%s %s has %d bytes", what, key, len(value)).
			WithRemedy("a value has at most %d bytes; what is larger can be a file", MaxValue)
	case strings.ContainsRune(value, 0):
		return Errorf(Invalid, "bad-value", "%s %s has a zero byte in it", what, key).
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
		return Errorf(Invalid, "too-large", "file %s has %d bytes", path, len(content)).
			WithRemedy("a file has at most %d bytes", MaxFile)
	}
	return nil
}

// CheckEnvironmentSize returns an Invalid error if an environment holds more than fits. Secrets count as they are stored,
// which is some 70 bytes more than they have in clear.
func CheckEnvironmentSize(variables map[string]string, secrets map[string][]byte, files []SealedFile) error {
	if n := len(variables) + len(secrets); n > MaxEnvironmentKeys {
		return Errorf(Invalid, "too-many-keys", "the environment would have %d variables and secrets", n).
			WithRemedy("it can have %d; use several environments, or a file", MaxEnvironmentKeys)
	}
	size := 0
	for key, value := range variables {
		size += len(key) + len(value)
	}
	for key, value := range secrets {
		size += len(key) + len(value)
	}
	var paths []string
	for _, f := range files {
		size += len(f.Path) + f.Size
		paths = append(paths, f.Path)
	}
	if size > MaxEnvironmentBytes {
		return Errorf(Invalid, "too-large", "the environment would have %d bytes", size).
			WithRemedy("all keys, values and files of an environment together have at most %d bytes", MaxEnvironmentBytes)
	}
	return CheckFilePaths(paths)
}

// EnvironmentDifferences lists in which entries two versions of an environment differ. Secrets and files differ where
// their encrypted bytes do; what they hold is not told.
func EnvironmentDifferences(before, after SealedLayer, filesBefore, filesAfter []SealedFile) []Difference {
	list := differences("variable", before.Variables, after.Variables, func(a, b string) bool { return a == b },
		func(v string) string { return v })
	hidden := func([]byte) string { return "" }
	list = append(list, differences("secret", before.Secrets, after.Secrets, sameSealed, hidden)...)
	return append(list, differences("file", contents(filesBefore), contents(filesAfter), sameSealed, hidden)...)
}

func contents(files []SealedFile) map[string][]byte {
	m := map[string][]byte{}
	for _, f := range files {
		m[f.Path] = f.Content
	}
	return m
}

func sameSealed(a, b []byte) bool { return bytes.Equal(SealedIdentity(a), SealedIdentity(b)) }

func differences[V any](what string, before, after map[string]V, same func(a, b V) bool, show func(V) string) []Difference {
	keys := map[string]bool{}
	for key := range before {
		keys[key] = true
	}
	for key := range after {
		keys[key] = true
	}
	var list []Difference
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		d := Difference{What: what, Key: key}
		old, had := before[key]
		now, has := after[key]
		switch {
		case !had:
			d.Kind, d.After = Added, show(now)
		case !has:
			d.Kind, d.Before = RemovedEntry, show(old)
		case same(old, now):
			continue
		default:
			d.Kind, d.Before, d.After = Changed, show(old), show(now)
		}
		list = append(list, d)
	}
	return list
}
