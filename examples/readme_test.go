package examples

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheReadmeNamesWhatIsThere: every program is in the table, and links lead somewhere.
func TestTheReadmeNamesWhatIsThere(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var programs []string
	for _, pattern := range []string{"*/main.go", "*/*/main.go", "*/fly.toml"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		programs = append(programs, found...)
	}
	if len(programs) < 13 {
		t.Fatalf("only %d programs were found: %v", len(programs), programs)
	}
	for _, program := range programs {
		if dir := filepath.Dir(program); !strings.Contains(string(text), "]("+dir) {
			t.Errorf("README.md does not name %s", dir)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(string(text), -1) {
		if strings.HasPrefix(m[1], "#") {
			continue
		}
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("README.md leads to %v", err)
		}
	}
}
