package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Write writes the result's files into a folder that exists: NAME.json for programs,
// NAME.md for readers, and NAME-CHART.svg for each chart.
func (r *Result) Write(dir string) error {
	files, err := r.files()
	if err != nil {
		return fmt.Errorf("result %q: %w", r.Name, err)
	}
	var errs []error
	for name, content := range files {
		errs = append(errs, os.WriteFile(filepath.Join(dir, name), content, 0o644))
	}
	return errors.Join(errs...)
}

// files are what Write writes, by name.
func (r *Result) files() (map[string][]byte, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	asJSON, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return nil, err
	}
	if err := leak(string(asJSON), whereabouts()); err != nil {
		return nil, err
	}
	files := map[string][]byte{r.Name + ".json": append(asJSON, '\n'), r.Name + ".md": r.markdown()}
	for _, c := range r.Charts {
		if files[r.picture(c.Name)], err = c.SVG(); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// picture is the name of a chart's file.
func (r *Result) picture(chart string) string { return r.Name + "-" + chart + ".svg" }

func (r *Result) validate() error {
	var errs []error
	if r.Name == "" || strings.Trim(r.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		errs = append(errs, fmt.Errorf("%q cannot be a file's name; use small letters, digits and -", r.Name))
	}
	if r.Title == "" {
		errs = append(errs, errors.New("no title"))
	}
	for _, t := range r.Tables {
		if err := t.validate(); err != nil {
			errs = append(errs, fmt.Errorf("table %q: %w", t.Title, err))
		}
	}
	return errors.Join(errs...)
}

func (t *Table) validate() error {
	if len(t.Columns) == 0 {
		return errors.New("no columns")
	}
	for i, row := range t.Rows {
		if len(row) != len(t.Columns) {
			return fmt.Errorf("row %d has %d cells for %d columns", i+1, len(row), len(t.Columns))
		}
		for _, v := range row {
			switch v.(type) {
			case nil, string, int, float64:
			default:
				return fmt.Errorf("row %d has a %T; want a string, an int, a float64 or nil", i+1, v)
			}
		}
	}
	return nil
}

// whereabouts are words that would say which machine this is.
func whereabouts() []string {
	var words []string
	for _, find := range []func() (string, error){os.Hostname, os.UserHomeDir, os.Getwd} {
		if word, err := find(); err == nil {
			words = append(words, word)
		}
	}
	return append(words, strings.TrimSuffix(os.TempDir(), "/"))
}

// leak returns an error if a text contains one of the words, alone or before a slash. A
// host may be called as short as "x", and that is no secret.
func leak(text string, words []string) error {
	for _, word := range words {
		if len(word) < 4 || word == "localhost" {
			continue
		}
		for rest := text; ; {
			before, after, found := strings.Cut(rest, word)
			if !found {
				break
			}
			if !endsInWord(before) && !startsWithWord(after) {
				return fmt.Errorf("%q says which machine this is; leave it out", word)
			}
			rest = after
		}
	}
	return nil
}

func endsInWord(s string) bool     { return s != "" && isWord(s[len(s)-1]) }
func startsWithWord(s string) bool { return s != "" && isWord(s[0]) }

func isWord(c byte) bool {
	return c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
