package rest_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// notOfTheDomain are the enums that the API itself has.
var notOfTheDomain = []string{"ok,unavailable", "workflow,database", "GET,HEAD,OPTIONS"}

// elsewhere are enums with a value more or less than the domain's type, and why.
var elsewhere = map[string]string{
	"none,deploy,restart,route,remove": "deploy,remove,restart,route",      // "none" is the domain's ""
	"ACTIVE,SUSPENDED,EXPIRED":         "ACTIVE,DELETED,EXPIRED,SUSPENDED", // a deleted sandbox holds no port
}

// TestEnumsAreTheDomainsConstants: whoever adds a constant to the domain is told which tag of the API lacks it.
func TestEnumsAreTheDomainsConstants(t *testing.T) {
	t.Parallel()
	domain := constantsOf(t, "../../internal/sdp")
	tags := enumTags(t, "..")
	if len(tags) < 5 {
		t.Fatalf("only these enum tags were found: %v", tags)
	}
	for _, tag := range tags {
		want := sorted(tag)
		if other, ok := elsewhere[tag]; ok {
			want = other
		}
		if !slices.Contains(notOfTheDomain, tag) && !slices.Contains(domain, want) {
			t.Errorf("no type of the domain has exactly the values %q", tag)
		}
	}
}

func sorted(list string) string {
	values := strings.Split(list, ",")
	slices.Sort(values)
	return strings.Join(values, ",")
}

// constantsOf returns, for each named type below a folder, the values of its constants, sorted, with commas.
func constantsOf(t *testing.T, folder string) []string {
	t.Helper()
	byType := map[string][]string{}
	inspect(t, folder, func(n ast.Node) {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return
		}
		name, ok := spec.Type.(*ast.Ident)
		if !ok {
			return
		}
		for _, v := range spec.Values {
			if text := literal(v); text != "" {
				byType[name.Name] = append(byType[name.Name], text)
			}
		}
	})
	var out []string
	for _, values := range byType {
		out = append(out, sorted(strings.Join(values, ",")))
	}
	return out
}

func enumTags(t *testing.T, folder string) []string {
	t.Helper()
	var out []string
	inspect(t, folder, func(n ast.Node) {
		field, ok := n.(*ast.Field)
		if !ok || field.Tag == nil {
			return
		}
		if tag := reflect.StructTag(literal(field.Tag)).Get("enum"); tag != "" {
			out = append(out, tag)
		}
	})
	slices.Sort(out)
	return slices.Compact(out)
}

func literal(e ast.Expr) string {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return ""
	}
	text, _ := strconv.Unquote(l.Value) // it compiled
	return text
}

func inspect(t *testing.T, folder string, visit func(ast.Node)) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool { visit(n); return true })
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
