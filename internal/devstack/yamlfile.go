package devstack

import (
	"bytes"
	"errors"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"

	"sdp/internal/atomicfile"
	"sdp/internal/sdp"
)

// setting is one key and its value; a slice of them keeps the order in which a person would write them.
type setting struct {
	key   string
	value any
}

// yamlFile is a YAML mapping that is edited key by key, so that what a person wrote into it, comments included, stays.
type yamlFile struct {
	path string
	root yaml.Node // a document with one mapping
}

// openYAML reads the file; one that does not exist starts with head as its comment.
func openYAML(path, head string) (*yamlFile, error) {
	f := &yamlFile{path: path}
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	if err := yaml.Unmarshal(raw, &f.root); err != nil {
		return nil, f.bad("%w", err)
	}
	if f.root.Kind == 0 {
		f.root = yaml.Node{
			Kind: yaml.DocumentNode, HeadComment: head, Content: []*yaml.Node{{Kind: yaml.MappingNode, Tag: "!!map"}},
		}
	}
	if f.mapping().Kind != yaml.MappingNode {
		return nil, f.bad("it does not consist of keys and values")
	}
	return f, nil
}

func (f *yamlFile) bad(format string, args ...any) error {
	e := sdp.Errorf(sdp.Invalid, "bad-configuration", format, args...)
	e.Detail = f.path + ": " + e.Detail
	return e.WithRemedy("mend the file, or remove it: `sdp up` then writes a new one")
}

func (f *yamlFile) mapping() *yaml.Node { return f.root.Content[0] }

// set gives top-level keys their values, whatever they had.
func (f *yamlFile) set(settings ...setting) error {
	return setAll(f.mapping(), settings, true)
}

// propose is set for keys that are not there yet.
func (f *yamlFile) propose(settings ...setting) error {
	return setAll(f.mapping(), settings, false)
}

// setNamed finds, in the list under key, the entry whose name is that of each element and sets the keys in always;
// entries that are missing are appended whole.
func (f *yamlFile) setNamed(key string, always []string, elements ...any) error {
	list := lookup(f.mapping(), key)
	if list == nil || list.Kind != yaml.SequenceNode {
		if err := f.set(setting{key, []any{}}); err != nil {
			return err
		}
		list = lookup(f.mapping(), key)
	}
	list.Style = 0
	for _, e := range elements {
		var node yaml.Node
		if err := node.Encode(e); err != nil {
			return err
		}
		mergeNamed(list, &node, always)
	}
	return nil
}

// setMarked has the list under key, in the mapping under parent, hold values. Entries that carry mark as their comment were
// set so before and go; all others are somebody's own. A new parent comes before the key next.
func (f *yamlFile) setMarked(parent, key, next, mark string, values []string) {
	if len(values) == 0 && lookup(f.mapping(), parent) == nil {
		return
	}
	mapping := f.child(parent, next)
	if have := lookup(mapping, key); have == nil || have.Kind != yaml.SequenceNode {
		put(mapping, key, &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}, true)
	}
	list := lookup(mapping, key)
	mapping.Style, list.Style = 0, 0 // a comment needs a line of its own
	list.Content = slices.DeleteFunc(list.Content, func(n *yaml.Node) bool { return n.LineComment == "# "+mark })
	for _, v := range values {
		list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: v, LineComment: "# " + mark})
	}
}

// child returns the mapping under a top-level key, made before the key next if there is none.
func (f *yamlFile) child(key, next string) *yaml.Node {
	made := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	have := lookup(f.mapping(), key)
	switch {
	case have == nil:
		root := f.mapping()
		at := slices.IndexFunc(root.Content, func(n *yaml.Node) bool { return n.Value == next })
		if at < 0 {
			at = len(root.Content)
		}
		root.Content = slices.Insert(root.Content, at, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, made)
		return made
	case have.Kind != yaml.MappingNode:
		*have = *made
	}
	return have
}

func mergeNamed(list, element *yaml.Node, always []string) {
	name := lookup(element, "name").Value
	for _, have := range list.Content {
		if n := lookup(have, "name"); n == nil || n.Value != name {
			continue
		}
		for _, key := range always {
			if value := lookup(element, key); value != nil {
				put(have, key, value, true)
			}
		}
		return
	}
	list.Content = append(list.Content, element)
}

// save writes the file if it changed.
func (f *yamlFile) save() error {
	var b bytes.Buffer
	encoder := yaml.NewEncoder(&b)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(&f.root), encoder.Close()); err != nil {
		return err
	}
	if old, err := os.ReadFile(f.path); err == nil && bytes.Equal(old, b.Bytes()) {
		return nil
	}
	return atomicfile.Write(f.path, b.Bytes(), 0o644)
}

func setAll(mapping *yaml.Node, settings []setting, overwrite bool) error {
	for _, s := range settings {
		var node yaml.Node
		if err := encode(&node, s.value); err != nil {
			return err
		}
		put(mapping, s.key, &node, overwrite)
	}
	return nil
}

func encode(node *yaml.Node, value any) error {
	nested, ok := value.([]setting)
	if !ok {
		return node.Encode(value)
	}
	*node = yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	return setAll(node, nested, true)
}

func put(mapping *yaml.Node, key string, value *yaml.Node, overwrite bool) {
	if have := lookup(mapping, key); have != nil {
		if overwrite {
			value.HeadComment, value.LineComment, value.FootComment = have.HeadComment, have.LineComment, have.FootComment
			*have = *value
		}
		return
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

func lookup(mapping *yaml.Node, key string) *yaml.Node {
	if mapping.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}
