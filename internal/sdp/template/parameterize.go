package template

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"sdp/internal/sdp"
)

// Place is a value of a specification that a parameter takes the place of. Path is that of its JSON, with dots:
// "services.account.branch", "environment"; a service's or the gateway's name alone means its branch.
type Place struct {
	Parameter string
	Path      string
}

// Parameterize turns a specification, as JSON, into that of a template: parameters at the places, all else literally.
// A branch that becomes one is not pinned to a commit any more. It also returns what the parameters replaced;
// one that replaced different values has none.
func Parameterize(spec []byte, places []Place) (template []byte, was map[string]string, err error) {
	tree, err := decodeJSON(spec)
	if err != nil {
		return nil, nil, err
	}
	values := map[string]string{}
	leaves("", tree, values)
	at, err := locate(places, values)
	if err != nil {
		return nil, nil, err
	}
	unpin("", tree, at)
	tree = replaceLeaves("", tree, func(path, value string) string {
		if parameter, replaced := at[path]; replaced {
			return "${" + parameter + "}"
		}
		return strings.ReplaceAll(value, "${", "$${")
	})
	if template, err = json.Marshal(tree); err != nil {
		return nil, nil, err
	}
	return template, replaced(at, values), nil
}

// unpin drops the commit beside each branch that becomes a parameter: a sandbox made from the template would run the old
// commit under the new branch's name.
func unpin(path string, tree any, at map[string]string) {
	members, ok := tree.(map[string]any)
	if !ok {
		return
	}
	own := strings.TrimPrefix(path+".", ".")
	if at[own+"branch"] != "" && at[own+"commit"] == "" {
		delete(members, "commit")
	}
	for key, value := range members {
		unpin(own+key, value, at)
	}
}

// locate returns the parameter of each path.
func locate(places []Place, values map[string]string) (map[string]string, error) {
	at := map[string]string{}
	for _, p := range places {
		path, ok := find(p.Path, values)
		if !ok {
			return nil, noPlace(p, slices.Sorted(maps.Keys(values)))
		}
		if other, twice := at[path]; twice {
			return nil, sdp.Errorf(sdp.Invalid, "place-twice", "%s is to be parameter %s and %s at once", path, other, p.Parameter).
				WithRemedy("name it once")
		}
		at[path] = p.Parameter
	}
	return at, nil
}

func find(path string, values map[string]string) (string, bool) {
	for _, full := range []string{path, "services." + path + ".branch", path + ".branch"} {
		if _, ok := values[full]; ok {
			return full, true
		}
	}
	return "", false
}

func noPlace(p Place, paths []string) error {
	remedy := "it has " + strings.Join(paths, ", ")
	if near := sdp.Nearest(p.Path, paths); len(near) > 0 {
		remedy = "did you mean " + near[0] + "? " + remedy
	}
	return sdp.Errorf(sdp.Invalid, "unknown-place", "the sandbox has no value at %s for parameter %s", quoted(p.Path), p.Parameter).
		WithRemedy("%s", remedy)
}

// replaced returns the value each parameter stands for, if it is one.
func replaced(at, values map[string]string) map[string]string {
	was, several := map[string]string{}, map[string]bool{}
	for path, parameter := range at {
		if first, ok := was[parameter]; ok && first != values[path] {
			several[parameter] = true
		}
		was[parameter] = values[path]
	}
	for parameter := range several {
		delete(was, parameter)
	}
	return was
}

// leaves collects the string values of a document by path.
func leaves(path string, tree any, into map[string]string) {
	replaceLeaves(path, tree, func(path, value string) string {
		into[path] = value
		return value
	})
}

func replaceLeaves(path string, tree any, replace func(path, value string) string) any {
	switch tree := tree.(type) {
	case string:
		return replace(path, tree)
	case map[string]any:
		for key, value := range tree {
			tree[key] = replaceLeaves(strings.TrimPrefix(path+"."+key, "."), value, replace)
		}
	}
	return tree
}
