package languages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// programs is the folder of what was built for the tests.
var programs string

func TestMain(m *testing.M) {
	os.Exit(inFolder(m))
}

func inFolder(m *testing.M) int {
	var err error
	if programs, err = os.MkdirTemp("", "homing-examples-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(programs)
	return m.Run()
}

// buildHoming returns the command, which is built once.
func buildHoming(t *testing.T) string { return built(t, homingBuilt) }

// buildChi returns the example that is in Go, likewise.
func buildChi(t *testing.T) string { return built(t, chiBuilt) }

var (
	homingBuilt = sync.OnceValues(func() (string, error) { return build(filepath.Join("..", ".."), "./cmd/homing") })
	chiBuilt    = sync.OnceValues(func() (string, error) { return build("..", "./chi") })
)

func built(t *testing.T, once func() (string, error)) string {
	t.Helper()
	program, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// build builds a package of the module in dir.
func build(dir, pkg string) (string, error) {
	program := filepath.Join(programs, filepath.Base(pkg))
	cmd := exec.Command("go", "build", "-o", program, pkg)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return program, nil
}
