package homing_test

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Whoever looks something up finds it used: functions of the packages that apps import,
// and the methods of these types, have examples that run.
var entryPoints = map[string][]string{ // package → types
	".":        {"Site", "Config"},
	"postgres": nil,
	"sqlite":   nil,
}

func TestEveryPublicEntryPointHasAnExample(t *testing.T) {
	for dir, types := range entryPoints {
		p := documentation(t, dir)
		has := map[string]bool{}
		for _, e := range examples(p) {
			if e.Output == "" {
				t.Errorf("%s: Example%s does not run", dir, e.Name)
			}
			has[e.Name] = true
		}
		var want []string
		for _, f := range p.Funcs {
			want = append(want, f.Name)
		}
		for _, typ := range p.Types {
			for _, f := range typ.Funcs {
				want = append(want, f.Name)
			}
			for _, m := range typ.Methods {
				if slices.Contains(types, typ.Name) {
					want = append(want, typ.Name+"_"+m.Name)
				}
			}
		}
		for _, name := range want {
			base := strings.TrimSuffix(name, "From") // one example serves both sources of variables
			if !has[name] && !has[base] && !has[name+"From"] {
				t.Errorf("package %s: %s has no example", dir, name)
			}
		}
	}
}

// documentation reads a package as go doc does, with its examples.
func documentation(t *testing.T, dir string) *doc.Package {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	fset := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(fset, path, text, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(fset, files, dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// examples are all of a package's, whatever they are attached to.
func examples(p *doc.Package) []*doc.Example {
	all := p.Examples
	for _, f := range p.Funcs {
		all = append(all, named(f.Name, f.Examples)...)
	}
	for _, typ := range p.Types {
		all = append(all, named(typ.Name, typ.Examples)...)
		for _, f := range typ.Funcs {
			all = append(all, named(f.Name, f.Examples)...)
		}
		for _, m := range typ.Methods {
			all = append(all, named(typ.Name+"_"+m.Name, m.Examples)...)
		}
	}
	return all
}

// named gives examples their whole names; package doc keeps only what follows.
func named(name string, examples []*doc.Example) []*doc.Example {
	for _, e := range examples {
		e.Name = name
	}
	return examples
}
