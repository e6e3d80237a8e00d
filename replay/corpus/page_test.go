package corpus_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"homing/replay/corpus"
)

var update = flag.Bool("update", false, "write docs/protocol.md anew")

const page = "../../docs/protocol.md"

// folders have the cases of the page, in its order.
var folders = []string{"../testdata", "../../edge/testdata"}

// cases reads all of them.
func cases(t *testing.T) []corpus.Case {
	t.Helper()
	var all []corpus.Case
	for _, dir := range folders {
		some, err := corpus.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		t.Fatal("there are no cases")
	}
	return all
}

func TestPageIsFresh(t *testing.T) {
	want := corpus.Page(cases(t))
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(page); err != nil || string(got) != want {
		t.Errorf("docs/protocol.md is not what the cases say (%v); go generate ./replay writes it", err)
	}
}

func TestRead(t *testing.T) {
	cases, err := read(t, `# A section
source: Fly, A Heading
// a comment

== one
in: a: b
in-go: "\x00"
json: {
    "a": 1
  }

== two
source: Specification, Cache
in:
diverges: because
`)
	if err != nil || len(cases) != 2 {
		t.Fatalf("%d cases, %v; want 2", len(cases), err)
	}
	one, two := cases[0], cases[1]
	if one.Section != "A section" || one.Name != "one" || one.Source != "Fly, A Heading" || !strings.HasSuffix(one.Where, ".txt:5") {
		t.Errorf("the first case is %+v", one)
	}
	if in := one.All("in"); len(in) != 2 || in[0] != "a: b" || in[1] != "\x00" {
		t.Errorf("in is %q", in)
	}
	if got, want := one.Get("json"), "{\n  \"a\": 1\n}"; got != want {
		t.Errorf("json is %q, want %q", got, want)
	}
	if in, ok := two.Lookup("in"); in != "" || !ok || two.Diverges != "because" || two.Source != "Specification, Cache" {
		t.Errorf("the second case is %+v", two)
	}
}

func TestReadSaysWhatIsWrong(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"no section":             {"source: x\n== a\nin: b\n", ".txt:2: \"a\" lacks its section"},
		"no source":              {"# s\n== a\nin: b\n", "lacks its section, its source"},
		"nothing in it":          {"# s\nsource: x\n== a\n", "or what it is about"},
		"no key":                 {"# s\nsource: x\n== a\nin\n", `.txt:4: want "key: value"`},
		"a field before a case":  {"# s\nin: x\n", "in stands before the first case"},
		"a Go string that isn't": {"# s\nsource: x\n== a\nin-go: b\n", "in-go: invalid syntax"},
		"two of a name":          {"# s\nsource: x\n== a\nin: b\n== a\nin: c\n", "has the name of the case at"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := read(t, tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestPage(t *testing.T) {
	got := corpus.Page([]corpus.Case{
		{Section: "S", Name: "a|b", Source: "Fly, Replay Header Format", Fields: []corpus.Field{{Key: "in", Value: "x|y"}}},
		{Section: "S", Name: "c", Source: "Specification, Cache it, twice", Fields: []corpus.Field{{Key: "in", Value: "\x00"}}},
		{Section: "T", Name: "e", Source: "Fly, Error Codes, A/b", Fields: []corpus.Field{{Key: "in", Value: "x\n  {"}}},
		{Section: "T", Name: "d", Source: "Fly, App configuration (fly.toml), services.ports", Diverges: "why", Fields: []corpus.Field{{Key: "in"}}},
	})
	for _, want := range []string{
		"4 behaviours: 2 the same, 1 ours, 1 different.",
		"| a\\|b | `x\\|y` | same | [Replay Header Format](https://fly.io/docs/networking/dynamic-request-routing/#replay-header-format) |\n",
		"| c |  | ours | [Cache it, twice](specification.md#cache-it-twice) |",
		"\n## T\n",
		"| e | `x ↵ {` | same | [A/b](https://fly.io/docs/monitoring/error-codes/#a-b) |",
		"| d |  | **differs**: why | [services.ports](https://fly.io/docs/reference/configuration/#services-ports) |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the page lacks %q:\n%s", want, got)
		}
	}
}

// read reads the text of one file.
func read(t *testing.T, text string) ([]corpus.Case, error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "cases.txt"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return corpus.Read(dir)
}
