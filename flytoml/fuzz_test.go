package flytoml_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"homing/flytoml"
)

// FuzzRead starts from the shapes in testdata and from what is wrong.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, tt := range wrong {
		f.Add(tt.file)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := flytoml.Read(strings.NewReader(text), "fly.toml")
		if err == nil {
			acceptable(t, file)
			return
		}
		if file != nil {
			t.Fatalf("a file and an error: %v", err)
		}
		inOrder(t, text, err)
	})
}

// inOrder checks that errors have places in the file, one behind the other.
func inOrder(t *testing.T, text string, err error) {
	t.Helper()
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	line, column := 1, 1
	for _, err := range all {
		e, ok := err.(*flytoml.Error)
		if !ok {
			t.Fatalf("%T has no place: %v", err, err)
		}
		if e.Line < line || e.Line == line && e.Column < column || e.Line > strings.Count(text, "\n")+1 || e.Text == "" {
			t.Fatalf("%v, after %d:%d", e, line, column)
		}
		line, column = e.Line, e.Column
	}
}
