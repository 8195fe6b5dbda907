package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

const (
	aimFileLines     = 400
	aimFunctionLines = 60
)

// dataPlane are the rooms whose code a request passes through.
func dataPlane(room string) bool {
	switch room {
	case "proxy", "planner", "cache", "telemetry", "telemetry/event", "controlplane/agent":
		return true
	}
	return false
}

func TestSourceKeepsTheHouseRules(t *testing.T) {
	for _, p := range packages(t) {
		fset := token.NewFileSet()
		documented := false
		for _, name := range p.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || file.Doc != nil && (name == "doc.go" || p.Name == "main")
			if ast.IsGenerated(file) {
				documented = true
				continue
			}
			inspect(t, fset, p, file)
		}
		if len(p.GoFiles) > 0 && !documented {
			t.Errorf("%s has no doc.go with a package comment", p.ImportPath)
		}
	}
}

// inspect fails on forbidden calls and reports sizes beyond the aim.
func inspect(t *testing.T, fset *token.FileSet, p *pkg, file *ast.File) {
	t.Helper()
	at := func(n ast.Node) string {
		pos := fset.Position(n.Pos())
		return strings.TrimPrefix(p.ImportPath, module) + "/" + filepath.Base(pos.Filename) + ":" + pos.String()[strings.LastIndex(pos.String(), ".go:")+4:]
	}
	if n := fset.Position(file.End()).Line; n > aimFileLines {
		t.Logf("size: %s has %d lines, the aim is %d", at(file), n, aimFileLines)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				t.Errorf("%s: func init", at(n))
			}
			if lines := fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1; lines > aimFunctionLines {
				t.Logf("size: %s %s has %d lines, the aim is %d", at(n), n.Name.Name, lines, aimFunctionLines)
			}
		case *ast.Field:
			if n.Tag != nil {
				for _, fault := range schemaFaults(n.Tag.Value) {
					t.Errorf("%s: %s", at(n), fault)
				}
			}
		case *ast.ImportSpec:
			if n.Path.Value == `"flag"` && p.Name != "main" {
				t.Errorf("%s: flags are read in main only", at(n))
			}
		case *ast.SelectorExpr:
			switch x, _ := n.X.(*ast.Ident); {
			case x == nil:
			case x.Name == "os" && strings.HasSuffix(n.Sel.Name, "env") && p.Name != "main":
				t.Errorf("%s: os.%s outside main", at(n), n.Sel.Name)
			case x.Name == "os" && n.Sel.Name == "LookupEnv" && p.Name != "main":
				t.Errorf("%s: os.LookupEnv outside main", at(n))
			case x.Name == "time" && n.Sel.Name == "Sleep" && dataPlane(p.room()):
				t.Errorf("%s: time.Sleep in the data plane", at(n))
			}
		}
		return true
	})
}
