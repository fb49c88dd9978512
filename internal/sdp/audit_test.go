package sdp_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sdp/internal/sdp"
)

func TestAuditActionsListsTheConstants(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "audit.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared, looks []sdp.AuditAction
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == 1 {
			if of, named := v.Type.(*ast.Ident); named && of.Name == "AuditAction" {
				text, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				if strings.HasPrefix(v.Names[0].Name, "Look") {
					looks = append(looks, sdp.AuditAction(text))
				} else {
					declared = append(declared, sdp.AuditAction(text))
				}
			}
		}
		return true
	})
	if len(declared) == 0 || len(looks) == 0 {
		t.Fatal("no constants were found")
	}
	for _, action := range declared {
		if !slices.Contains(sdp.AuditActions(), action) {
			t.Errorf("%s is declared and not listed", action)
		}
	}
	for _, action := range looks {
		if slices.Contains(sdp.AuditActions(), action) {
			t.Errorf("%s leaves no event and is listed", action)
		}
	}
}
