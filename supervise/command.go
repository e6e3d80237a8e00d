package supervise

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// Find looks for the command as a start does, and says in a line what is missing; nil:
// it can be started, as far as can be seen. Who starts the same command many times can
// so be told once.
func (c Config) Find() error {
	if err := c.validate(); err != nil {
		return err
	}
	_, err := c.command()
	return err
}

// command makes what can be started of the Config, and says if something is missing
// rather than leave that to a shell.
func (c Config) command() (*exec.Cmd, error) {
	if err := c.checkDir(); err != nil {
		return nil, err
	}
	args := c.Args
	if len(args) == 0 {
		var err error
		if args, err = c.shell(); err != nil {
			return nil, err
		}
	}
	file, err := c.find(args[0])
	if err != nil {
		return nil, err
	}
	env := c.Env
	if c.Dir != "" {
		env = append(slices.Clone(env), "PWD="+c.dirName())
	}
	return &exec.Cmd{Path: file, Args: args, Dir: c.Dir, Env: env}, nil
}

func (c Config) checkDir() error {
	if c.Dir == "" {
		return nil
	}
	info, err := os.Stat(c.Dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return notFound("the folder %q to run in does not exist", c.Dir)
	case err != nil:
		return fmt.Errorf("supervise: the folder to run in: %w", err)
	case !info.IsDir():
		return notExecutable("%q, the folder to run in, is a file", c.Dir)
	}
	return nil
}

// shell returns the arguments for Shell's text. exec comes before a plain command, so
// that there is no shell between us and the app, and its exit code is the app's.
func (c Config) shell() ([]string, error) {
	sh, err := c.find("sh")
	if err != nil {
		return nil, notFound("there is no shell here to run %q; give the command as a list of words", c.Shell)
	}
	program := plain(c.Shell)
	if program == "" {
		return []string{sh, "-c", c.Shell}, nil
	}
	if _, err := c.find(program); err != nil {
		return nil, err
	}
	return []string{sh, "-c", "exec " + c.Shell}, nil
}

// plain returns the program of text that is one command, without assignments before it
// and without anything that only a shell can do; else "".
func plain(text string) string {
	if strings.ContainsAny(text, ";&|()<>{}#!`\n") {
		return ""
	}
	words := strings.Fields(text)
	if len(words) == 0 || strings.ContainsAny(words[0], `='"\$~*?[`) || slices.Contains(shellWords, words[0]) {
		return ""
	}
	return words[0]
}

// shellWords are what a shell does itself (POSIX.1-2024, Shell & Utilities 2.4, 2.9.1, 2.15), and
// does not do after exec.
var shellWords = strings.Fields(`if then else elif fi do done case esac while until for in function select time
	. : break continue eval exec exit export readonly return set shift times trap unset source
	alias bg builtin cd command fc fg getopts hash jobs kill local read type ulimit umask unalias wait`)

// find returns the file of a program.
func (c Config) find(program string) (string, error) {
	if !strings.ContainsRune(program, filepath.Separator) {
		return c.findInPath(program)
	}
	at := program
	if !filepath.IsAbs(program) {
		at = filepath.Join(c.Dir, program)
	}
	info, err := os.Stat(at)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", notFound("%q: not found in %s; is it spelled as the file is, and has it been built?", program, c.dirName())
	case err != nil:
		return "", fmt.Errorf("supervise: %q: %w", program, errors.Unwrap(err))
	case info.IsDir():
		return "", notExecutable("%q: is a folder, not a program", program)
	case !executable(info):
		return "", notExecutable("%q: not executable; chmod +x %s", program, program)
	}
	return filepath.Abs(at)
}

func (c Config) findInPath(program string) (string, error) {
	path := cmp.Or(c.variable("PATH"), os.Getenv("PATH"), "/usr/local/bin:/usr/bin:/bin")
	for _, dir := range filepath.SplitList(path) {
		at := filepath.Join(c.Dir, dir, program)
		if filepath.IsAbs(dir) {
			at = filepath.Join(dir, program)
		}
		if info, err := os.Stat(at); err == nil && !info.IsDir() && executable(info) {
			return filepath.Abs(at)
		}
	}
	if file, err := exec.LookPath(program); err == nil && runtime.GOOS == "windows" {
		return file, nil // which has more to its name, such as .exe
	}
	return "", notFound("%q: not found in PATH; install it, or name it by its path", program)
}

func executable(info os.FileInfo) bool {
	return info.Mode()&0o111 != 0 || runtime.GOOS == "windows"
}

func (c Config) variable(name string) (value string) {
	for _, v := range c.Env {
		if n, is, _ := strings.Cut(v, "="); n == name {
			value = is
		}
	}
	return value
}

func (c Config) dirName() string {
	if dir, err := filepath.Abs(c.Dir); err == nil {
		return dir
	}
	return c.Dir
}

// notStarted says why the kernel did not start a file that looked well.
func notStarted(program string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return notExecutable("%q: neither a program for this system nor a script that begins with #!", program)
	case errors.Is(err, os.ErrNotExist):
		return notFound("%q: what should run it is not found; see its first line, #!, or the libraries that it wants", program)
	}
	return fmt.Errorf("supervise: %q could not be started: %w", program, err)
}

func blank(text string) bool { return strings.TrimSpace(text) == "" }
