package secret_test

import (
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"sdp/internal/secret"
)

func TestValuePrintsRedacted(t *testing.T) {
	v := secret.New(marker)
	type holder struct {
		Public  secret.Value
		private secret.Value
		Pointer *secret.Value
		List    []secret.Value
	}
	h := holder{v, v, &v, []secret.Value{v}}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%p", "%10s", "%t"} {
		for _, arg := range []any{v, &v, h, &h, []any{h}, map[string]holder{"x": h}} {
			if got := fmt.Sprintf(verb, arg); leaks(got) {
				t.Errorf("%s prints %s", verb, got)
			}
		}
	}
	if got := fmt.Sprint(v); got != secret.Redacted {
		t.Errorf("Sprint = %q", got)
	}
	if err := fmt.Errorf("x %w %v", io.EOF, v); leaks(err.Error()) || !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	for name, marshal := range map[string]func(any) ([]byte, error){
		"json": json.Marshal, "xml": xml.Marshal, "yaml": yaml.Marshal,
	} {
		type named struct{ V secret.Value }
		got, err := marshal(named{v})
		if err != nil || leaks(string(got)) || !strings.Contains(string(got), secret.Redacted) {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
	var b strings.Builder
	if _ = gob.NewEncoder(&b).Encode(struct{ V secret.Value }{v}); leaks(b.String()) {
		t.Error("gob writes the secret")
	}
}

const marker = "hunter2marker"

func leaks(s string) bool {
	return strings.Contains(s, marker) || strings.Contains(strings.ToLower(s), fmt.Sprintf("%x", marker))
}

func TestValueIsReadButNotReadBack(t *testing.T) {
	var v struct{ P secret.Value }
	if !v.P.Empty() || v.P.Reveal() != "" {
		t.Error("the zero value is not empty")
	}
	if err := json.Unmarshal([]byte(`{"P":"x y"}`), &v); err != nil || v.P.Reveal() != "x y" || v.P.Empty() {
		t.Error(v.P.Reveal(), err)
	}
	if err := yaml.Unmarshal([]byte("p: z"), &v); err != nil || v.P.Reveal() != "z" {
		t.Error(v.P.Reveal(), err)
	}
	raw, _ := json.Marshal(v)
	if err := json.Unmarshal(raw, &v); err == nil {
		t.Error("a marshalled secret was read back as the secret")
	}
}
