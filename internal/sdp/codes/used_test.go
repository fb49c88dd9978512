package codes

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// usage finds the codes that the repository's programs use: what is given to Errorf and to functions with a parameter
// named code, what is put into a field Code, and what is assigned to a variable of that name.
type usage struct {
	files  []*ast.File
	dirs   map[*ast.File]string
	consts map[string]map[string]string // directory, name of a constant, value
	params map[string]int               // function, index of its parameter named code
	found  map[string]bool
}

var form = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func usedCodes(t *testing.T) []string {
	t.Helper()
	u := usage{dirs: map[*ast.File]string{}, consts: map[string]map[string]string{}, params: map[string]int{"Errorf": 1}, found: map[string]bool{}}
	if err := filepath.WalkDir("../../..", u.parse); err != nil {
		t.Fatal(err)
	}
	for _, f := range u.files {
		ast.Inspect(f, func(n ast.Node) bool { u.declared(u.dirs[f], n); return true })
	}
	for _, f := range u.files {
		ast.Inspect(f, func(n ast.Node) bool { u.used(u.dirs[f], n); return true })
	}
	return slices.Sorted(maps.Keys(u.found))
}

func (u *usage) parse(path string, d fs.DirEntry, err error) error {
	name := d.Name()
	switch {
	case err != nil:
		return err
	case d.IsDir() && (name == "web" || name == "bench" || strings.HasPrefix(name, ".") && name != "../../.." && name != ".."):
		return fs.SkipDir
	case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.Contains(path, "test/"):
		return nil
	}
	f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	u.files = append(u.files, f)
	u.dirs[f] = filepath.Dir(path)
	return err
}

// declared notes constants, and functions with a parameter named code.
func (u *usage) declared(dir string, n ast.Node) {
	switch n := n.(type) {
	case *ast.ValueSpec:
		for i, name := range n.Names {
			if value, ok := text(n.Values, i); ok {
				if u.consts[dir] == nil {
					u.consts[dir] = map[string]string{}
				}
				u.consts[dir][name.Name] = value
			}
		}
	case *ast.FuncDecl:
		index := 0
		for _, field := range n.Type.Params.List {
			for _, name := range field.Names {
				if name.Name == "code" && n.Name.Name != "Resolving" {
					u.params[n.Name.Name] = index
				}
				index++
			}
		}
	}
}

func (u *usage) used(dir string, n ast.Node) {
	switch n := n.(type) {
	case *ast.CallExpr:
		if index, ok := u.params[called(n)]; ok && len(n.Args) > index {
			_, first := text(n.Args, 0)
			if called(n) != "Errorf" || !first { // fmt.Errorf begins with its format
				u.add(dir, n.Args[index])
			}
		}
	case *ast.KeyValueExpr:
		if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Code" {
			u.add(dir, n.Value)
		}
	case *ast.AssignStmt:
		for i, left := range n.Lhs {
			if name, ok := left.(*ast.Ident); ok && name.Name == "code" && i < len(n.Rhs) {
				u.add(dir, n.Rhs[i])
			}
		}
	}
}

func (u *usage) add(dir string, value ast.Expr) {
	code, ok := text([]ast.Expr{value}, 0)
	switch constant := value.(type) {
	case *ast.Ident:
		code, ok = u.consts[dir][constant.Name]
	case *ast.SelectorExpr:
		code, ok = u.exported(constant)
	}
	if ok && form.MatchString(code) {
		u.found[code] = true
	}
}

// exported is a constant of another package.
func (u *usage) exported(constant *ast.SelectorExpr) (string, bool) {
	of, ok := constant.X.(*ast.Ident)
	for dir, consts := range u.consts {
		if value, found := consts[constant.Sel.Name]; ok && found && filepath.Base(dir) == of.Name {
			return value, true
		}
	}
	return "", false
}

func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.Ident:
		return f.Name
	}
	return ""
}

// text is the i-th of some expressions, if that is a text.
func text(list []ast.Expr, i int) (string, bool) {
	if i >= len(list) {
		return "", false
	}
	literal, ok := list[i].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return "", false
	}
	value, err := strconv.Unquote(literal.Value)
	return value, err == nil
}
