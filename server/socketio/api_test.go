package socketio_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Samples of the documentation are parts of examples, which the compiler reads.
func TestTheSamplesOfTheDocsCompile(t *testing.T) {
	examples, err := os.ReadFile("example_docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	compiled := withoutIndent(string(examples))
	for _, name := range []string{"../../docs/go.md", "../../README.md"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		samples := strings.Split(string(text), "```go\n")[1:]
		if len(samples) == 0 {
			t.Errorf("%s has no sample", name)
		}
		for _, sample := range samples {
			sample, _, _ = strings.Cut(sample, "```")
			if !strings.Contains(compiled, withoutIndent(sample)) {
				t.Errorf("%s: this sample is no part of example_docs_test.go:\n%s", name, sample)
			}
		}
	}
}

func withoutIndent(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		b.WriteString(strings.TrimLeft(line, "\t"))
	}
	return b.String()
}

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
