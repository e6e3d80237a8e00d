package homing_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// `make rename` is how the owners publish under a path of their choice: in a copy
// of this checkout everything must build and hold under the new one.
func TestRename(t *testing.T) {
	if os.Getenv("HOMING_RENAMED") != "" {
		return // this is the copy
	}
	dir := copyCheckout(t)
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOMING_RENAMED=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("git", "init", "-q")
	run("git", "add", "-A")
	const module = "example.org/owner/homing.v2"
	run("make", "rename", "MODULE="+module)
	if got := strings.TrimSpace(run("go", "list", "-m")); got != module {
		t.Errorf("the module is %q", got)
	}
	run("go", "vet", "./...")
	run("go", "test", ".", "./replay", "./cmd/homing", "-run", "House|Example|Import|Readme|Package|SaysWhatIsWrong")
	const imports = `{{join .Imports "\n"}} {{join .TestImports "\n"}} {{join .XTestImports "\n"}}`
	for _, within := range []string{".", "examples"} {
		for _, imp := range strings.Fields(run("go", "-C", within, "list", "-f", imports, "./...")) {
			if strings.HasPrefix(imp, "homing") {
				t.Errorf("in %s something still imports %s", within, imp)
			}
		}
	}
	if out, err := exec.Command("make", "-C", dir, "rename", "MODULE=Not A Path").CombinedOutput(); err == nil {
		t.Errorf("a path that is none was taken: %s", out)
	}
}

// copyCheckout copies the files that git tracks or would.
func copyCheckout(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	list, err := exec.Command("git", "ls-files", "-co", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.Lines(string(list)) {
		name = strings.TrimSuffix(name, "\n")
		info, err := os.Stat(name)
		if err != nil {
			continue // deleted, and not committed yet
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
