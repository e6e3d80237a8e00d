// Package command finds out how the app in a folder is started, from the files that its
// people already have, and reads the variables that they keep in a .env file. It runs
// nothing.
//
// [Find] looks, in this order, for Procfile.dev, bin/dev, package.json, manage.py,
// artisan and the like, the [processes] of fly.toml, and the Dockerfile's CMD. The
// first one that says something counts. Before [processes] and CMD comes the sidecar that
// the Dockerfile has for its ENTRYPOINT.
package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"homing/flytoml"
)

// Command is how something is started: by Args without a shell, or else by Shell. Both
// may hold the placeholders that package supervise knows.
type Command struct {
	Args  []string
	Shell string
	From  string // where it was found, such as "Procfile.dev"; empty: it was given
}

// String is the command as people type it.
func (c Command) String() string {
	if len(c.Args) == 0 {
		return c.Shell
	}
	words := make([]string, len(c.Args))
	for i, w := range c.Args {
		if words[i] = w; w == "" || strings.ContainsAny(w, " \t\n'\"$\\*?;&|<>()") {
			words[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}

// Found is what there is to start in a folder.
type Found struct {
	Web Command // takes requests
	// Others run beside it, once, in the order of their file: an asset compiler, a queue.
	Others []Named
}

// Named is a command and the name of its group.
type Named struct {
	Name string
	Command
}

// Given makes a command of the words that somebody typed: one word with blanks in it
// is text for a shell.
func Given(words []string) Command {
	if len(words) == 1 && strings.ContainsAny(words[0], " \t") {
		return Command{Shell: words[0]}
	}
	return Command{Args: words}
}

// ErrNone: no file says how the app is started.
var ErrNone = errors.New(`nothing here says how the app is started; say it, as in: homing dev -- node server.js`)

// Find looks in dir for what starts the app; f is its fly.toml, or nil. The error is
// [ErrNone], or tells of a file that cannot be read.
func Find(dir string, f *flytoml.File) (Found, error) {
	look := finder{os.DirFS(dir), f}
	for _, by := range []func() (Found, error){
		look.procfile, look.binDev, look.packageJSON, look.framework, look.processes, look.dockerfile,
	} {
		found, err := by()
		if err != nil || found.Web.From != "" {
			return found, err
		}
	}
	return Found{}, ErrNone
}

// finder looks into one folder. A way that finds nothing returns the zero value.
type finder struct {
	files fs.FS
	toml  *flytoml.File
}

// maxFile is how many bytes of a file are read: people write a thousandth of it.
const maxFile = 1 << 20

// read returns a file's text; ok is false if there is none.
func (f finder) read(name string) (text string, ok bool, err error) {
	info, err := fs.Stat(f.files, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("%s: %w", name, err)
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return "", false, fmt.Errorf("%s: want a file of at most 1 MiB", name)
	}
	b, err := fs.ReadFile(f.files, name)
	return string(b), err == nil, err
}

func (f finder) exists(name string) bool {
	info, err := fs.Stat(f.files, name)
	return err == nil && info.Mode().IsRegular()
}

func (f finder) binDev() (Found, error) {
	if !f.exists("bin/dev") {
		return Found{}, nil
	}
	return Found{Web: Command{Args: []string{"bin/dev"}, From: "bin/dev"}}, nil
}

// framework knows what some frameworks' folders look like.
func (f finder) framework() (Found, error) {
	for _, known := range []struct{ file, shell string }{
		{"manage.py", f.python() + " manage.py runserver 127.0.0.1:{port}"},
		{"artisan", "php artisan serve --host=127.0.0.1 --port={port}"},
		{"bin/rails", "bin/rails server -b 127.0.0.1 -p {port}"},
		{"mix.exs", "mix phx.server"},
		{"main.go", "go run ."},
	} {
		if f.exists(known.file) {
			return Found{Web: Command{Shell: known.shell, From: known.file}}, nil
		}
	}
	return Found{}, nil
}

// python is that of the folder's virtual environment, if it has one.
func (f finder) python() string {
	for _, in := range []string{".venv", "venv"} {
		if f.exists(in + "/bin/python") {
			return in + "/bin/python"
		}
	}
	return "python3"
}

// processes takes the group that takes requests.
func (f finder) processes() (Found, error) {
	if f.toml == nil {
		return Found{}, nil
	}
	web := f.toml.DefaultGroup()
	if s, ok := f.toml.HTTPService(); ok && len(s.Groups) > 0 {
		web = s.Groups[0]
	}
	for _, p := range f.toml.Processes {
		if p.Group == web && len(p.Command.Args) > 0 {
			before, err := f.sidecar()
			return Found{Web: Command{Args: slices.Concat(before, p.Command.Args), From: "fly.toml's [processes]"}}, err
		}
	}
	return Found{}, nil
}
