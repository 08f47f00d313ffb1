package socketio_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A program that imports the engine can't name what lies below server/internal.
func TestNoExportedNameNeedsAnInternalType(t *testing.T) {
	for _, pattern := range []string{"*.go", "../engineio/*.go", "wire/*.go"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			internal := internalImports(file)
			ast.FileExports(file)
			for _, decl := range file.Decls {
				ast.Inspect(promised(decl), func(n ast.Node) bool {
					if s, ok := n.(*ast.SelectorExpr); ok {
						if x, ok := s.X.(*ast.Ident); ok && internal[x.Name] {
							t.Errorf("%s: an exported declaration names %s.%s", name, x.Name, s.Sel.Name)
						}
					}
					return true
				})
			}
		}
	}
}

// promised is the part of an exported declaration that programs see.
func promised(decl ast.Decl) ast.Node {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil || exportedReceiver(d.Recv.List[0].Type) {
			return d.Type
		}
	case *ast.GenDecl:
		if d.Tok == token.TYPE {
			return d
		}
	}
	return &ast.EmptyStmt{} // a variable's value may come from anywhere
}

func exportedReceiver(e ast.Expr) bool {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	name, ok := e.(*ast.Ident)
	return ok && name.IsExported()
}

// internalImports are the names of the packages that a file imports and others can't.
func internalImports(file *ast.File) map[string]bool {
	names := make(map[string]bool)
	for _, i := range file.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err == nil && strings.Contains(path, "/internal/") {
			names[path[strings.LastIndex(path, "/")+1:]] = true
		}
	}
	return names
}
