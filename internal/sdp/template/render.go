package template

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"sdp/internal/sdp"
)

// maxRendered bounds what a template renders to, in bytes: a short one with long values must not fill the memory.
const maxRendered = 1 << 20

// Render returns the specification of a sandbox made from the template with values of its parameters. A parameter without
// a value has its default. Values are taken as they are: ${ in them means nothing.
func (t Template) Render(sandbox string, values map[string]string) (sdp.SandboxSpec, error) {
	resolved, err := t.resolve(values)
	if err != nil {
		return sdp.SandboxSpec{}, err
	}
	resolved[SandboxParameter] = sandbox
	rendered, err := renderJSON(t.Spec, func(name string) (string, error) {
		value, ok := resolved[name]
		if !ok {
			return "", undeclared(name, slices.Sorted(maps.Keys(resolved)))
		}
		return value, nil
	})
	if err != nil {
		return sdp.SandboxSpec{}, err
	}
	return t.named(sandbox, rendered)
}

// named reads what the template rendered to.
func (t Template) named(sandbox string, rendered []byte) (sdp.SandboxSpec, error) {
	spec, err := Definition(rendered)
	if err != nil {
		return sdp.SandboxSpec{}, sdp.Errorf(sdp.Invalid, "bad-template", "template %s is not a sandbox's definition: %w",
			t.Name, err).WithRemedy("correct it with `sdp template update %s`", t.Name)
	}
	spec.Name = sandbox
	return spec, nil
}

// Document is a definition as a template's Spec. It leaves the name out: a sandbox gets one when it is made.
func Document(definition sdp.SandboxSpec) ([]byte, error) {
	type whole sdp.SandboxSpec
	return json.Marshal(struct {
		whole
		Name string `json:"name,omitempty"`
	}{whole: whole(definition)})
}

// Definition reads what Document has written.
func Definition(document []byte) (definition sdp.SandboxSpec, err error) {
	err = json.Unmarshal(document, &definition)
	return definition, err
}

// resolve checks what was given against what there is and adds the defaults.
func (t Template) resolve(given map[string]string) (map[string]string, error) {
	resolved, names := map[string]string{}, make([]string, 0, len(t.Parameters))
	var missing []string
	for _, p := range t.Parameters {
		names = append(names, p.Name)
		value, ok := given[p.Name]
		switch {
		case ok:
			if err := p.accepts("the value", value); err != nil {
				return nil, err
			}
			resolved[p.Name] = value
		case p.Default != nil:
			resolved[p.Name] = *p.Default
		default:
			missing = append(missing, p.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(names, name) {
			return nil, t.unknownParameter(name, names)
		}
	}
	if len(missing) > 0 {
		return nil, sdp.Errorf(sdp.Invalid, "missing-parameter", "template %s needs a value of %s", t.Name,
			strings.Join(missing, ", ")).WithRemedy("give it: --set %s=VALUE; `sdp template show %s` says what it means", missing[0], t.Name)
	}
	return resolved, nil
}

func (t Template) unknownParameter(name string, names []string) error {
	remedy := "it has none"
	if len(names) > 0 {
		remedy = "its parameters are " + strings.Join(names, ", ")
	}
	if near := sdp.Nearest(name, names); len(near) > 0 {
		remedy = "did you mean " + near[0] + "? " + remedy
	}
	return sdp.Errorf(sdp.Invalid, "unknown-parameter", "template %s has no parameter %s", t.Name, quoted(name)).
		WithRemedy("%s", remedy)
}

// renderJSON replaces the placeholders in all string values of a document.
func renderJSON(document []byte, value func(name string) (string, error)) ([]byte, error) {
	tree, err := decodeJSON(document)
	if err != nil {
		return nil, err
	}
	size := 0
	tree, err = mapStrings(tree, func(text string) (string, error) {
		out, err := expand(text, value)
		if size += len(out); err == nil && size > maxRendered {
			err = sdp.Errorf(sdp.Invalid, "template-too-big", "with these values the sandbox's definition exceeds %d bytes", maxRendered).
				WithRemedy("give shorter values")
		}
		return out, err
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(tree)
}

func decodeJSON(document []byte) (tree any, err error) {
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return nil, sdp.Errorf(sdp.Invalid, "bad-template", "the template's sandbox is not valid JSON: %w", err).
			WithRemedy("correct it")
	}
	return tree, nil
}

// mapStrings returns tree with each string value replaced. Names of members are no place for a placeholder.
func mapStrings(tree any, replace func(string) (string, error)) (any, error) {
	var err error
	switch tree := tree.(type) {
	case string:
		return replace(tree)
	case []any:
		for i := range tree {
			if tree[i], err = mapStrings(tree[i], replace); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(tree)) {
			if strings.Contains(key, "${") {
				return nil, sdp.Errorf(sdp.Invalid, "placeholder-in-name", "%s is a name, and names cannot hold a parameter", quoted(key)).
					WithRemedy("use parameters in values: branches, URLs, variables, descriptions")
			}
			if tree[key], err = mapStrings(tree[key], replace); err != nil {
				return nil, err
			}
		}
	}
	return tree, nil
}

// expand replaces ${name} by its value, and $${ by ${.
func expand(text string, value func(name string) (string, error)) (string, error) {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "${")
		if !found {
			out.WriteString(text)
			return out.String(), nil
		}
		if literal, escaped := strings.CutSuffix(before, "$"); escaped {
			out.WriteString(literal + "${")
			text = rest
			continue
		}
		name, rest, closed := strings.Cut(rest, "}")
		if !closed || !parameterPattern.MatchString(name) {
			return "", sdp.Errorf(sdp.Invalid, "bad-placeholder", "%s holds a ${ that starts no parameter", quoted(text)).
				WithRemedy("write ${name}, or $${ for a literal ${")
		}
		v, err := value(name)
		if err != nil {
			return "", err
		}
		out.WriteString(before + v)
		text = rest
	}
}
