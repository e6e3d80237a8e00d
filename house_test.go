package homing_test

import (
	"bufio"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Packages of ours are named by their folder: "./route", and root for the one in
// the root folder, whatever the module is called.
const root = "."

// Groups of rooms that a rule may name instead of each. A room includes the
// folders in it.
var groups = map[string][]string{
	"words":   {"region", "machine", "position", "replay", "trail", "decision", "primary"},
	"engines": {"sqlite", "postgres", "mysql"},
}

// rooms says what the packages of a folder may import beside the standard
// library: rooms or groups, and "others" for modules of others. The first that
// fits a package counts. A folder that is not listed may import whatever it
// needs, but for what guarded keeps from it. To add a room, add a line.
var rooms = []struct {
	name string
	may  []string
	why  string
}{
	{"words", []string{"words"}, "the words are imported by everything, so they import only each other and the standard library"},
	{"observe", []string{"words"}, "counting what requests would do is imported by apps, with package homing"},
	{root, []string{"words", "homeward", "observe"}, "apps import package homing, which must bring them nothing they do not use"},
	{"sidecar", []string{"words", root, "observe", "forward", "wire", "supervise"}, "the handler in front of an app in any language, and its process; the database is the command's"},
	{"homeward", []string{"words", "forward", "wire"}, "where nobody in front replays, the handler does the edge's last step: an exchange with the primary's site"},
	{"edge/recall", []string{"words", "others"}, "what is remembered knows nothing of who asks, and a well-kept cache is a module of others"},
	{"edge", []string{"words", "fleet", "route", "forward", "journey", "wire", "edge"},
		"the edge and the handler meet in the words, so that another language can take the place of either"},
	{"fleet", []string{"words"}, "the picture of the fleet is below those who choose from it and those who fill it"},
	{"route", []string{"words", "fleet"}, "a choice is a pure function of an instruction and the fleet"},
	{"health", []string{"words", "fleet"}, "asking machines how they are needs nothing of what carries requests"},
	{"forward", []string{"wire"}, "an exchange with a machine knows nothing of replays"},
	{"wire", nil, "HTTP on a connection knows nothing of what it carries"},
	{"supervise", nil, "keeping a process running needs nothing of what the process is for"},
	{"journey", []string{"words"}, "a record is read by everybody and decides nothing"},
	{"metrics", []string{"words", "journey", "others"}, "metrics read records; who is counted does not know it"},
	{"flytoml", []string{"words", "fleet", "others"}, "a file is turned into what the fleet and the words understand; TOML is a module of others"},
	{"homingtest", []string{"words", root, "dev", "journey", "others"}, "a world for tests is a local world seen by an app's test; apps that use pgx get its pool"},
	{"bench/chart", []string{"others"}, "a picture knows nothing of what was measured"},
	{"bench/result", []string{"bench/chart"}, "what a benchmark writes knows nothing of what it measures"},
	{"bench/wan", []string{"words", "others"}, "what carries packets knows nothing of what is in them"},

	{"bench/peers/origin", nil, "the app behind all peers must not cost more than its answers"},
	{"bench/peers/edged", []string{"words", "edge", "fleet", "forward", "health", "journey", "metrics"}, "what is measured is the edge as a host has it, and nothing else"},
	{"engines", []string{"words", "engines", "others"}, "an engine is imported by apps beside package homing and knows none of the rest"},
}

// guarded says who may import what most may not.
var guarded = []struct {
	name string
	by   []string
	why  string
}{
	{"engines", []string{"engines", "dev", "demo", "sidecar", "bench", "cmd"}, "a database's driver comes only to those who asked for it"},
	{"edge/misbehave", nil, "only tests have use for what misbehaves on purpose"},
	{"homingtest", nil, "only tests of apps have use for a world that ends with a test"},
	{"bench/wan", []string{"bench"}, "what needs root is for measuring"},
	{"edge", []string{"edge", "sidecar", "dev", "dashboard", "demo", "bench", "cmd"}, "the edge is on top: what it needs does not need it"},
}

// within reports whether pkg, a path from the root folder, is one of the names,
// in one of them, or in one of a group's.
func within(pkg string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		if members, ok := groups[name]; ok {
			return within(pkg, members)
		}
		return pkg == name || name != root && strings.HasPrefix(pkg, name+"/")
	})
}

// wrongImport says in a sentence why pkg must not import imported, or nothing.
func wrongImport(pkg, imported string) string {
	target, origin := strings.TrimPrefix(imported, "./"), "others"
	switch first, _, _ := strings.Cut(imported, "/"); {
	case first == root:
		origin = "ours"
	case !strings.Contains(first, "."):
		return "" // the standard library
	}
	for _, g := range guarded {
		if origin == "ours" && within(target, []string{g.name}) && !within(pkg, g.by) {
			by := cmp.Or(strings.Join(g.by, ", "), "tests")
			return fmt.Sprintf("%s imports %s, which only %s may: %s", pkg, imported, by, g.why)
		}
	}
	for _, room := range rooms {
		if !within(pkg, []string{room.name}) {
			continue
		}
		if origin == "ours" && within(target, room.may) || origin == "others" && slices.Contains(room.may, "others") {
			return ""
		}
		may := "nothing but the standard library"
		if len(room.may) > 0 {
			may = "only " + strings.Join(room.may, ", ")
		}
		return fmt.Sprintf("%s imports %s, but may import %s: %s", pkg, imported, may, room.why)
	}
	return ""
}

func TestWrongImport(t *testing.T) {
	for _, tt := range []struct{ name, pkg, imported, want string }{
		{"a word imports the standard library", "replay", "net/http/httptest", ""},
		{"a word imports a word", "replay", "./region", ""},
		{"a room within a word imports a word", "trail/sqltrail", "./trail", ""},
		{"a word imports package homing", "replay", ".", "replay imports ., but may import only words"},
		{"a word imports the fleet", "replay", "./fleet", "replay imports ./fleet, but may import only words"},
		{"a word imports a module of others", "region", "golang.org/x/text", "region imports golang.org/x/text"},
		{"the handler imports a word", ".", "./trail", ""},
		{"the handler imports the way home", ".", "./homeward", ""},
		{"the handler imports an exchange past it", ".", "./forward", ". imports ./forward, but may import only words, homeward"},
		{"the sidecar imports the handler", "sidecar", ".", ""},
		{"the sidecar imports an exchange", "sidecar", "./forward", ""},
		{"the sidecar imports what starts apps", "sidecar", "./supervise", ""},
		{"the sidecar imports an engine", "sidecar", "./postgres", "sidecar imports ./postgres, but may import only words, ., observe, forward, wire, supervise"},
		{"the way home imports an exchange", "homeward", "./forward", ""},
		{"the way home imports the handler", "homeward", ".", "homeward imports ., but may import only words, forward"},
		{"the handler imports the edge", ".", "./edge", ". imports ./edge, which only"},
		{"the handler imports an engine", ".", "./sqlite", ". imports ./sqlite, which only"},
		{"the edge imports the handler", "edge", ".", "edge imports ., but may import only"},
		{"a room of the edge imports the handler", "edge/page", ".", "edge/page imports ., but may import only"},
		{"the edge imports metrics", "edge", "./metrics", "edge imports ./metrics, but may import only"},
		{"metrics import a record", "metrics", "./journey", ""},
		{"metrics import the edge", "metrics", "./edge", "metrics imports ./edge, which only"},
		{"the edge imports the route", "edge", "./route", ""},
		{"the edge imports a room of its own", "edge", "./edge/recall", ""},
		{"the edge imports a module of others", "edge", "github.com/maypok86/otter/v2", "edge imports github.com/maypok86/otter/v2, but may import only"},
		{"the cache's room imports a module of others", "edge/recall", "github.com/maypok86/otter/v2", ""},
		{"the cache's room imports the edge", "edge/recall", "./edge", "edge/recall imports ./edge, but may import only words, others"},
		{"the edge imports what is for tests", "edge", "./edge/misbehave", "edge imports ./edge/misbehave, which only tests may"},
		{"the fleet imports the route", "fleet", "./route", "fleet imports ./route"},
		{"the route imports the fleet", "route", "./fleet", ""},
		{"forward imports a word", "forward", "./replay", "forward imports ./replay, but may import only wire"},
		{"wire imports a word", "wire", "./replay", "wire imports ./replay, but may import nothing but the standard library"},
		{"supervise imports a word", "supervise", "./machine", "supervise imports ./machine, but may import nothing but the standard library"},
		{"an engine imports a driver", "sqlite", "modernc.org/sqlite", ""},
		{"an engine imports the handler", "sqlite", ".", "sqlite imports ., but may import only words"},
		{"an engine's command imports the engine", "postgres/check", "./postgres", ""},
		{"an engine's clusters for tests import a driver", "postgres/pgtest", "github.com/jackc/pgx/v5", ""},
		{"an engine's clusters for tests import the sea between them", "postgres/pgtest", "./dev/link", "postgres/pgtest imports ./dev/link, but may import only words"},
		{"the dashboard imports an engine", "dashboard", "./mysql", "dashboard imports ./mysql, which only"},
		{"dev imports an engine", "dev", "./sqlite", ""},
		{"the demo imports an engine", "demo/guestbook", "./sqlite", ""},
		{"an app's file imports the fleet", "flytoml", "./fleet", ""},
		{"an app's file imports the local worlds", "flytoml", "./dev", "flytoml imports ./dev, but may import only words, fleet, others"},
		{"worlds for tests import local worlds", "homingtest", "./dev", ""},
		{"worlds for tests import the handler", "homingtest", ".", ""},
		{"worlds for tests import an engine", "homingtest", "./sqlite", "homingtest imports ./sqlite, which only"},
		{"worlds for tests import the edge's page", "homingtest", "./dashboard", "homingtest imports ./dashboard, but may import only"},
		{"an app imports worlds for tests", "demo/guestbook", "./homingtest", "demo/guestbook imports ./homingtest, which only tests may"},
		{"a picture imports a module of others", "bench/chart", "gonum.org/v1/plot", ""},
		{"a result imports a benchmark", "bench/result", "./bench/claim", "bench/result imports ./bench/claim, but may import only bench/chart"},
		{"a benchmark imports an engine", "bench/claim", "./postgres", ""},
		{"a benchmark imports the sea", "bench/distance", "./bench/wan", ""},
		{"the command imports the sea", "cmd/homing", "./bench/wan", "cmd/homing imports ./bench/wan, which only bench may"},
		{"the sea imports the edge", "bench/wan", "./edge", "bench/wan imports ./edge, but may import only words, others"},

		{"the measured edge imports what measures it", "bench/peers/edged", "./bench/result", "bench/peers/edged imports ./bench/result, but may import only"},
		{"the measured app imports a word", "bench/peers/origin", "./replay", "bench/peers/origin imports ./replay, but may import nothing but"},
		{"a command imports everything", "cmd/homing", "./edge", ""},
		{"a folder that only begins like another", "edges", ".", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := wrongImport(tt.pkg, tt.imported)
			if (got == "") != (tt.want == "") || !strings.HasPrefix(got, tt.want) {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestImportsPointOneWay(t *testing.T) {
	for pkg, files := range house(t) {
		for _, file := range files {
			for _, imported := range importsOf(t, file.syntax) {
				if wrong := wrongImport(pkg, imported); wrong != "" {
					t.Errorf("%s: %s", file.path, wrong)
				}
			}
		}
	}
}

// What package homing brings with it, however far away, is ours or the standard
// library's.
func TestAppsGetOnlyTheStandardLibrary(t *testing.T) {
	packages, seen, open := house(t), map[string]bool{root: true}, []string{root}
	for len(open) > 0 {
		pkg := open[0]
		open = open[1:]
		for _, file := range packages[pkg] {
			for _, imported := range importsOf(t, file.syntax) {
				first, rest, _ := strings.Cut(imported, "/")
				if first == root && !seen[rest] {
					seen[rest] = true
					open = append(open, rest)
				} else if first != root && strings.Contains(first, ".") {
					t.Errorf("an app that imports package homing gets %s by %s", imported, file.path)
				}
			}
		}
	}
	if !seen["wire"] {
		t.Error("the way to package wire was not found: the test looks in the wrong place")
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for pkg, files := range house(t) {
		var docs []string
		for _, file := range files {
			if text := file.syntax.Doc.Text(); text != "" {
				docs = append(docs, text)
			}
		}
		if len(docs) != 1 {
			t.Errorf("%s has %d package comments, want one that says what the package is for", pkg, len(docs))
			continue
		}
		name := files[0].syntax.Name.Name
		if want := "Package " + name + " "; name != "main" && !strings.HasPrefix(docs[0], want) {
			t.Errorf("the package comment of %s does not begin with %q", pkg, want)
		}
	}
}

// A dependency is a decision, which docs/dependencies.md gives a reason for. The
// marks "// indirect" are not trusted alone: go.mod may be untidy.
func TestEveryDependencyHasAReason(t *testing.T) {
	const page = "docs/dependencies.md"
	direct := append(directModules(t, "."), directModules(t, "examples")...)
	if len(direct) == 0 {
		return
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatalf("%v; it must say why we depend on %s", err, strings.Join(direct, ", "))
	}
	for _, mod := range direct {
		if !explains(string(text), mod) {
			t.Errorf("%s has no line that names %s and says why we depend on it", page, mod)
		}
	}
}

func TestExplains(t *testing.T) {
	const page = "| modernc.org/sqlite | the engine, without cgo |\n- `modernc.org/libc`\ngithub.com/a/bc: so that b has c\n"
	for mod, want := range map[string]bool{
		"modernc.org/sqlite": true, "modernc.org/libc": false, "github.com/a/b": false, "github.com/a/bc": true, "modernc.org/memory": false,
	} {
		if explains(page, mod) != want {
			t.Errorf("%s explained: %v, want %v", mod, !want, want)
		}
	}
}

// explains reports whether a line of text names the module and says three words more.
func explains(text, mod string) bool {
	for line := range strings.Lines(text) {
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\n|`*[](),:;", r) })
		if slices.Contains(words, mod) && len(words) > 3 {
			return true
		}
	}
	return false
}

// directModules returns those that go.mod requires directly, and those of which
// some file of ours, tests included, imports a package; for the module in a folder.
func directModules(t *testing.T, dir string) []string {
	t.Helper()
	required := requiredModules(t, filepath.Join(dir, "go.mod"))
	delete(required, modulePath(t)) // an example requires what it is an example of
	direct := map[string]bool{}
	for mod, indirect := range required {
		direct[mod] = !indirect
	}
	for _, file := range goFiles(t, dir, func(string) bool { return true }) {
		for _, imported := range importsOf(t, file.syntax) {
			// The longest path that fits is the module's.
			for at := imported; at != "."; at = path.Dir(at) {
				if _, ok := required[at]; ok {
					direct[at] = true
					break
				}
			}
		}
	}
	maps.DeleteFunc(direct, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(direct))
}

// requiredModules reads a go.mod: each module, and whether it is marked indirect.
func requiredModules(t *testing.T, file string) map[string]bool {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	required := map[string]bool{}
	inBlock := false
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line, comment, _ := strings.Cut(lines.Text(), "//")
		words := strings.Fields(line)
		switch {
		case len(words) == 2 && words[0] == "require" && words[1] == "(":
			inBlock = true
		case len(words) > 0 && words[0] == ")":
			inBlock = false
		case len(words) == 3 && words[0] == "require":
			required[words[1]] = strings.Contains(comment, "indirect")
		case len(words) == 2 && inBlock:
			required[words[0]] = strings.Contains(comment, "indirect")
		}
	}
	return required
}

type goFile struct {
	path   string // from the root folder
	syntax *ast.File
}

// modulePath reads what the module is called.
func modulePath(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimPrefix(line, "module ")
}

// house returns the files of every package by its path from the root folder,
// without tests.
func house(t *testing.T) map[string][]goFile {
	t.Helper()
	packages := map[string][]goFile{}
	for _, file := range goFiles(t, ".", func(name string) bool { return !strings.HasSuffix(name, "_test.go") }) {
		pkg := path.Dir(file.path) // root is "." there too
		packages[pkg] = append(packages[pkg], file)
	}
	for _, room := range []string{root, "replay", "edge"} {
		if len(packages[room]) == 0 {
			t.Fatalf("no files of %s were found: the test looks in the wrong place", room)
		}
	}
	return packages
}

// goFiles parses the head of every Go file that want accepts, those of modules
// within this one and of testdata left out.
func goFiles(t *testing.T, root string, want func(name string) bool) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(root, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if at == root {
				return nil
			}
			_, err := os.Stat(filepath.Join(at, "go.mod"))
			if err == nil || name == "testdata" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || !want(name) {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), at, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, goFile{filepath.ToSlash(at), syntax})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func importsOf(t *testing.T, file *ast.File) []string {
	t.Helper()
	ours := modulePath(t)
	var all []string
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		if p == ours {
			p = root
		} else if rest, ok := strings.CutPrefix(p, ours+"/"); ok {
			p = "./" + rest
		}
		all = append(all, p)
	}
	return all
}
