package contract

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"sdp/api/rest"
	"sdp/cmd/sdp/client/cli"
	"sdp/cmd/sdp/screen"
)

var update = flag.Bool("update", false, "promise what verbs print now")

// promise is what all verbs print with -o json, as it was promised last.
type promise struct {
	Version string                    `json:"version"`
	Verbs   map[string][]*huma.Schema `json:"verbs"`
	Defs    map[string]*huma.Schema   `json:"defs"`
}

func present() promise {
	root, app := program(&screen.Screen{}, screen.Text)
	registry := huma.NewMapRegistry("#/$defs/", huma.DefaultSchemaNamer)
	rest.ListEnums(registry)
	p := promise{Version: Version, Verbs: map[string][]*huma.Schema{}}
	add := func(verb string, t reflect.Type) {
		p.Verbs[verb] = append(p.Verbs[verb], registry.Schema(t, true, t.Name()))
	}
	for _, cmd := range leaves(root) {
		out, _ := app.Output(cmd)
		if out.Type == nil {
			continue
		}
		add(pathOf(cmd), out.Type)
		for _, o := range out.Others {
			add(pathOf(cmd), o.Type)
		}
	}
	add("(each line of -o ndjson)", reflect.TypeFor[cli.Line]())
	add("(the last line of -o ndjson)", reflect.TypeFor[screen.End]())
	add("(an error)", reflect.TypeFor[screen.Problem]())
	p.Defs = registry.Map()
	for _, def := range p.Defs {
		def.AdditionalProperties = nil
	}
	return p
}

// Within a version nothing that scripts read goes away or changes its type.
func TestWhatVerbsPrintKeepsItsPromise(t *testing.T) {
	const path = "testdata/promise.json"
	now, err := json.MarshalIndent(present(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	var was, is map[string]any
	_ = json.Unmarshal(now, &is)
	if json.Unmarshal(raw, &was) == nil && was["version"] == is["version"] {
		for _, broken := range breaks("", was, is) {
			t.Errorf("%s: raise Version, or keep it", broken)
		}
	}
	if *update && !t.Failed() {
		if err := os.WriteFile(path, append(now, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(raw) != string(now)+"\n" {
		t.Error("verbs print more than is promised: go test ./cmd/sdp/contract -run Promise -update")
	}
}

// breaks lists what a reader of the earlier schema would miss in the later one.
func breaks(at string, was, is any) []string {
	switch was := was.(type) {
	case map[string]any:
		now, same := is.(map[string]any)
		if !same {
			return []string{at + " is something else"}
		}
		var all []string
		for name, value := range was {
			if later, there := now[name]; name == "description" || name == "examples" {
				continue
			} else if there {
				all = append(all, breaks(at+"/"+name, value, later)...)
			} else {
				all = append(all, at+"/"+name+" is gone")
			}
		}
		slices.Sort(all)
		return all
	case []any:
		now, same := is.([]any)
		for _, value := range was { // of enum, required and anyOf
			if !same || !slices.ContainsFunc(now, func(later any) bool { return reflect.DeepEqual(value, later) }) {
				return []string{fmt.Sprintf("%s lacks %v", at, value)}
			}
		}
		return nil
	}
	if was != is {
		return []string{fmt.Sprintf("%s was %v and is %v", at, was, is)}
	}
	return nil
}

func TestBreaks(t *testing.T) {
	decode := func(text string) (v any) { _ = json.Unmarshal([]byte(text), &v); return v }
	was := decode(`{"a": {"type": "string", "description": "x"}, "required": ["a"]}`)
	for text, want := range map[string]int{
		`{"a": {"type": "string", "description": "y"}, "b": {"type": "string"}, "required": ["a", "b"]}`: 0,
		`{"a": {"type": "integer"}, "required": ["a"]}`:                                                  1,
		`{"a": {"type": "string"}, "required": []}`:                                                      1,
		`{"required": ["a"]}`:              1,
		`{"a": "string", "required": "a"}`: 2,
	} {
		if got := breaks("", was, decode(text)); len(got) != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}
