package control_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryUseCasePassesTheSeam: an exported method of Control that takes a Call begins with permit.
func TestEveryUseCasePassesTheSeam(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv == nil || !f.Name.IsExported() || !takesCall(f) {
				continue
			}
			found++
			if !permits(f.Body) {
				t.Errorf("%s: %s does not ask permit before anything that can fail", name, f.Name.Name)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d use cases were found", found)
	}
}

func takesCall(f *ast.FuncDecl) bool {
	for _, p := range f.Type.Params.List {
		if star, ok := p.Type.(*ast.StarExpr); ok {
			if id, ok := star.X.(*ast.Ident); ok && id.Name == "Call" {
				return true
			}
		}
	}
	return false
}

// permits reports whether the first statement of a body that handles an error is the one that asks permit.
func permits(body *ast.BlockStmt) bool {
	for _, s := range body.List {
		branch, ok := s.(*ast.IfStmt)
		if !ok || branch.Init == nil {
			continue
		}
		assign, ok := branch.Init.(*ast.AssignStmt)
		if !ok || len(assign.Rhs) != 1 {
			return false
		}
		call, ok := assign.Rhs[0].(*ast.CallExpr)
		if !ok {
			return false
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		return ok && method.Sel.Name == "permit"
	}
	return false
}
