// Package config reads the YAML files people write by hand: server.yaml, node.yaml and sandbox.yaml. It is strict: an
// unknown key, a duplicate key or a value of the wrong type is an error that names the file, the line and what to do,
// never something quietly ignored.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"

	"go.yaml.in/yaml/v3"

	"sdp/internal/sdp"
)

// CodeBadConfig is the code of every error about what a file says.
const CodeBadConfig = "bad-config"

// maxFile bounds what is read: configuration is written by hand, and YAML aliases make big files dangerous.
const maxFile = 1 << 20 // bytes

// Validator is a configuration that checks itself beyond types once it is decoded. It makes its errors with
// File.Errorf, so that they name a line.
type Validator interface {
	Validate(f *File) error
}

// Load decodes the YAML file at path into the struct that into points to. What the file does not mention keeps the
// value it has, so defaults are set beforehand. If into is a Validator it is asked last.
func Load(path string, into any) error {
	f, err := Read(path)
	if err != nil {
		return err
	}
	return f.Decode(into)
}

// File is a parsed file that knows the line of each of its values.
type File struct {
	Name string // as given, shown in errors
	root *yaml.Node
}

// Read parses the file at path.
func Read(path string) (*File, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, openError(path, err)
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, openError(path, err)
	}
	return Parse(path, data)
}

func openError(path string, err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	kind, remedy := sdp.Invalid, "check the path and that this user may read the file"
	if errors.Is(err, fs.ErrNotExist) {
		kind, remedy = sdp.NotFound, "check the path, or create the file"
	}
	return sdp.Errorf(kind, "config-unreadable", "cannot read %s: %w", path, err).WithRemedy("%s", remedy)
}

// Parse parses data; name stands for the file in errors.
func Parse(name string, data []byte) (*File, error) {
	f := &File{Name: name}
	if len(data) > maxFile {
		return nil, f.fail(1, "keep it under 1 MB", "the file is too big for a configuration")
	}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) || (err == nil && isNull(&doc)) {
		return nil, f.fail(1, "write at least one key", "the file is empty")
	} else if err != nil {
		return nil, f.syntaxError(err)
	}
	if err := dec.Decode(&more); err == nil {
		return nil, f.fail(more.Line, "remove the line \"---\" and what follows it", "there is a second YAML document")
	} else if !errors.Is(err, io.EOF) {
		return nil, f.syntaxError(err)
	}
	f.root = doc.Content[0]
	return f, nil
}

func isNull(doc *yaml.Node) bool {
	return len(doc.Content) == 1 && doc.Content[0].Tag == "!!null"
}

// Decode is Load for a file already parsed.
func (f *File) Decode(into any) error {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic(fmt.Sprintf("config: Decode needs a pointer, not %T", into))
	}
	c := checker{file: f}
	c.value(f.root, v.Elem().Type(), "")
	if c.err != nil {
		return c.err
	}
	if err := f.root.Decode(into); err != nil {
		return f.typeError(err)
	}
	if val, ok := into.(Validator); ok {
		return val.Validate(f)
	}
	return nil
}

// Errorf returns an Invalid error about the value at a path of keys and list indexes, such as
// Errorf([]any{"repositories", 1, "path"}, "is not a clone", ...). Where the value is missing, the line is that of the
// nearest part of the path that exists. The remedy says what to change.
func (f *File) Errorf(at []any, remedy, format string, args ...any) *sdp.Error {
	return f.fail(f.Line(at...), remedy, format, args...)
}

// Line returns the line of the value at a path of keys and list indexes, or of the nearest part of it that exists.
func (f *File) Line(at ...any) int {
	n, line := f.root, 1
	for _, step := range at {
		var key *yaml.Node
		if key, n = child(n, step); n == nil {
			return line
		}
		line = key.Line
	}
	return line
}

// child returns the child of n at a key or an index and the node whose line stands for it; nil where there is none.
func child(n *yaml.Node, step any) (at, value *yaml.Node) {
	n = resolve(n)
	switch step := step.(type) {
	case string:
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == step {
				return n.Content[i], n.Content[i+1]
			}
		}
	case int:
		if n.Kind == yaml.SequenceNode && step >= 0 && step < len(n.Content) {
			return n.Content[step], n.Content[step]
		}
	}
	return nil, nil
}

func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func (f *File) fail(line int, remedy, format string, args ...any) *sdp.Error {
	text := fmt.Sprintf(format, args...)
	return sdp.Errorf(sdp.Invalid, CodeBadConfig, "%s:%d: %s", f.Name, line, text).WithRemedy("%s", remedy)
}
