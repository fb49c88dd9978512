package config

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"sdp/internal/sdp"
)

// checker compares a YAML tree with the Go type it will be decoded into and keeps the first thing that is wrong. The
// YAML library would find the same mistakes, but names neither the keys there are nor what to do.
type checker struct {
	file *File
	err  error
}

var (
	durationType    = reflect.TypeFor[time.Duration]()
	unmarshalerType = reflect.TypeFor[yaml.Unmarshaler]()
	ownFormType     = reflect.TypeFor[ownForm]()
)

// ownForm is a value with a form of its own in YAML, of a package that does not import the YAML library.
type ownForm interface{ UnmarshalYAML(func(any) error) error }

func (c *checker) fail(n *yaml.Node, remedy, format string, args ...any) {
	if c.err == nil {
		c.err = c.file.fail(n.Line, remedy, format, args...)
	}
}

// value checks n against t; at is the dotted path of n, "" for the top.
func (c *checker) value(n *yaml.Node, t reflect.Type, at string) {
	n = resolve(n)
	if c.err != nil || n.Tag == "!!null" || t.Implements(unmarshalerType) || reflect.PointerTo(t).Implements(unmarshalerType) {
		return
	}
	switch {
	case reflect.PointerTo(t).Implements(ownFormType):
		c.own(n, t)
	case t.Kind() == reflect.Pointer:
		c.value(n, t.Elem(), at)
	case t == durationType:
		c.duration(n, at)
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		c.mapping(n, t, at)
	case t.Kind() == reflect.Slice:
		c.sequence(n, t, at)
	case t.Kind() == reflect.Interface:
	default:
		c.scalar(n, t, at)
	}
}

// own asks the type itself.
func (c *checker) own(n *yaml.Node, t reflect.Type) {
	if err := n.Decode(reflect.New(t).Interface()); err != nil {
		e := sdp.AsError(err)
		c.fail(n, e.Remedy, "%s", e.Detail)
	}
}

func (c *checker) duration(n *yaml.Node, at string) {
	if _, err := time.ParseDuration(n.Value); n.Kind != yaml.ScalarNode || err != nil {
		c.fail(n, `write a number with a unit, such as "30s", "15m" or "12h"`, "%s: %s is not a duration", at, show(n))
	}
}

func (c *checker) mapping(n *yaml.Node, t reflect.Type, at string) {
	if n.Kind != yaml.MappingNode {
		c.fail(n, "write \"key: value\" lines below it, indented", "%s: expected keys and values, found %s", top(at), show(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if first, twice := seen[key.Value]; twice {
			c.fail(key, "keep one of the two", "key %q is already given in line %d", join(at, key.Value), first)
		}
		seen[key.Value] = key.Line
		if t.Kind() == reflect.Map {
			c.value(value, t.Elem(), join(at, key.Value))
			continue
		}
		c.field(key, value, t, at)
	}
}

func (c *checker) field(key, value *yaml.Node, t reflect.Type, at string) {
	fields := fieldsOf(t)
	if ft, known := fields[key.Value]; known {
		c.value(value, ft, join(at, key.Value))
		return
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	remedy := "known keys here are " + strings.Join(names, ", ")
	if near := sdp.Nearest(key.Value, names); len(near) > 0 {
		remedy = fmt.Sprintf("did you mean %q? %s", near[0], remedy)
	}
	c.fail(key, remedy, "unknown key %q", join(at, key.Value))
}

func (c *checker) sequence(n *yaml.Node, t reflect.Type, at string) {
	if n.Kind != yaml.SequenceNode {
		c.fail(n, `write one "- ..." line for each element`, "%s: expected a list, found %s", at, show(n))
		return
	}
	for i, e := range n.Content {
		c.value(e, t.Elem(), at+"["+strconv.Itoa(i)+"]")
	}
}

func (c *checker) scalar(n *yaml.Node, t reflect.Type, at string) {
	want := map[reflect.Kind]string{reflect.String: "a text", reflect.Bool: "true or false"}[t.Kind()]
	if want == "" {
		want = "a number"
	}
	v := reflect.New(t)
	if n.Kind == yaml.ScalarNode && n.Decode(v.Interface()) == nil {
		return
	}
	c.fail(n, "write "+want+" here", "%s: expected %s, found %s", top(at), want, show(n))
}

// fieldsOf returns the YAML keys of a struct and the types of their values.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case !f.IsExported() || name == "-":
		case strings.Contains(options, "inline") && f.Type.Kind() == reflect.Struct:
			for k, v := range fieldsOf(f.Type) {
				fields[k] = v
			}
		case name == "":
			fields[strings.ToLower(f.Name)] = f.Type
		default:
			fields[name] = f.Type
		}
	}
	return fields
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func top(at string) string {
	if at == "" {
		return "the file"
	}
	return at
}

func show(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	}
	v := n.Value
	if len(v) > 40 {
		v = v[:40] + "..."
	}
	return strconv.Quote(v)
}

// yamlLine finds the line in the messages of the YAML library: "yaml: line 3: did not find ...", "line 3: cannot ...".
var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): (.*)`)

func (f *File) syntaxError(err error) *sdp.Error {
	line, text := splitLine(err)
	remedy := "check the indentation (spaces only), the colons and the quotes around this line"
	return f.fail(line, remedy, "this is not valid YAML: %s", text)
}

func (f *File) typeError(err error) *sdp.Error {
	line, text := splitLine(err)
	return f.fail(line, "correct the value", "%s", text)
}

func splitLine(err error) (line int, text string) {
	m := yamlLine.FindStringSubmatch(err.Error())
	if m == nil {
		return 1, strings.TrimPrefix(err.Error(), "yaml: ")
	}
	line, _ = strconv.Atoi(m[1])
	return line, m[2]
}
