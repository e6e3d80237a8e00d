package languages

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"homing/flytoml"
)

// names are the folders of the examples.
var names = []string{"node", "python", "ruby", "php"}

// example is what its folder says of one.
type example struct {
	name    string
	dir     string
	sidecar []string // what stands around the command, from "homing" to "--"
	command []string
	release []string
	env     map[string]string
}

func readExample(t *testing.T, name string) *example {
	t.Helper()
	e := &example{name: name, dir: filepath.Join("..", name)}
	file := filepath.Join(e.dir, "fly.toml")
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	settings, err := flytoml.Read(f, file)
	if err != nil {
		t.Fatal(err)
	}
	e.release, e.env = settings.Deploy.Release.Args, settings.Env
	e.sidecar, e.command = e.instruction(t, "ENTRYPOINT "), e.instruction(t, "CMD ")
	return e
}

// instruction reads one of the Dockerfile that is a list of words.
func (e *example) instruction(t *testing.T, name string) (words []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(e.dir, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(line, name); ok {
			if err := json.Unmarshal([]byte(list), &words); err != nil {
				t.Fatalf("%s: %s%v", e.name, name, err)
			}
			return words
		}
	}
	t.Fatalf("the Dockerfile of %s has no %s", e.name, name)
	return nil
}

// environ is what the example's processes are told, more coming after what its fly.toml
// says. Debian's programs come first, so that no version manager's do.
func (e *example) environ(more ...string) []string {
	env := []string{"PATH=/usr/bin:/bin:" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "LANG=C.UTF-8"}
	for name, value := range e.env {
		env = append(env, name+"="+value)
	}
	return append(env, more...)
}

// database is where an app finds it when nobody stands between, by the names that any
// of the examples knows.
func database(t *testing.T, address string) []string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	return []string{
		"DATABASE_URL=" + address, "DB_HOST=" + u.Hostname(), "DB_PORT=" + u.Port(), "DB_DATABASE=" + strings.TrimPrefix(u.Path, "/"),
		"DB_USERNAME=" + u.User.Username(), "DB_PASSWORD=" + password,
	}
}

// TestTheLocksNameNoHost: npm writes where it has found a package, which is where one
// person's registry is.
func TestTheLocksNameNoHost(t *testing.T) {
	for _, name := range []string{"node", "vite"} {
		text, err := os.ReadFile(filepath.Join("..", name, "package-lock.json"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "://") {
				t.Errorf("package-lock.json of %s has %swrite it with npm install --omit-lockfile-registry-resolved", name, strings.TrimLeft(line, " "))
			}
		}
	}
}
