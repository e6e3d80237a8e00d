package homing_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The programs that the README shows must be ones that compile.
func TestTheReadmesProgramsCompile(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) != 3 {
		t.Fatalf("the README has %d programs", len(blocks))
	}
	const imports = `package main

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing"
	"homing/decision"
	"homing/homingtest"
	"homing/machine"
	"homing/postgres"
	"homing/sqlite"
)

func newMux(*pgxpool.Pool) *http.ServeMux { return http.NewServeMux() }

func newApp(homingtest.Machine) (http.Handler, error) { return http.NewServeMux(), nil }

func migrate(context.Context, *sql.DB) error { return nil }

func main() {
	if err := run(context.Background()); err != nil {
		os.Exit(1)
	}
	if _, err := open(context.Background(), homing.Env{}); err != nil {
		os.Exit(1)
	}
}

`
	compiles(t, imports+string(blocks[0][1])+string(blocks[1][1])+string(blocks[2][1]))
}

// compiles builds a program within the module.
func compiles(t *testing.T, program string) {
	t.Helper()
	// An overlay puts the file into the module without writing it there.
	dir := t.TempDir()
	source, overlay := filepath.Join(dir, "main.go"), filepath.Join(dir, "overlay.json")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(here, "readme", "main.go"): source}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{source: []byte(program), overlay: replace} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command("go", "build", "-overlay", overlay, "-o", os.DevNull, "./readme").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Commands and files that the README names are there.
func TestTheReadmeNamesWhatIsThere(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:\]\(|src=")([a-z][^)":]*)[)"]`).FindAllStringSubmatch(string(readme), -1) {
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("the README leads to %v", err)
		}
	}
	if strings.Contains(string(readme), "go get") {
		t.Error("the README says go get, and the module is not published")
	}
}
