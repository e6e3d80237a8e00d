package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
)

// workshop is what the clusters of a process share: a folder, and in it a data
// folder that each server begins as a copy of. Making that takes longer than all
// the rest. Read-only once made.
type workshop struct {
	dir       string
	as        user
	bin       string // PostgreSQL's programs
	version   version
	superuser login
	app       login
	guard     io.Closer // removes dir when it is closed, as the process's end does
}

// user is whom the servers run as.
type user struct {
	other    bool // than ours
	uid, gid int
}

type login struct{ name, password string }

var workshops struct {
	mu   sync.Mutex
	made *workshop
}

// theWorkshop returns the process's, and makes it if there is none. What failed is
// tried again: it may have been ctx.
func theWorkshop(ctx context.Context) (*workshop, error) {
	workshops.mu.Lock()
	defer workshops.mu.Unlock()
	if workshops.made != nil {
		return workshops.made, nil
	}
	w, err := newWorkshop(ctx)
	if err != nil {
		return nil, err
	}
	workshops.made = w
	return w, nil
}

func newWorkshop(ctx context.Context) (*workshop, error) {
	w := &workshop{superuser: login{"postgres", rand.Text()}, app: login{"app", rand.Text()}}
	var err error
	if w.bin, err = findPostgres(); err != nil {
		return nil, err
	}
	if w.version, err = versionOf(ctx, w.program("postgres")); err != nil {
		return nil, err
	}
	if oldest := (version{14, 0}); !w.version.atLeast(oldest) {
		return nil, fmt.Errorf("pgtest: PostgreSQL in %s is %d, not %d or newer", w.bin, w.version.major, oldest.major)
	}
	if w.as, err = chooseUser(); err != nil {
		return nil, err
	}
	if w.dir, err = makeFolder(w.as); err != nil {
		return nil, err
	}
	if w.guard, err = watch(w.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(w.dir))
	}
	if err := w.makeTemplate(ctx); err != nil {
		w.guard.Close()
		return nil, err
	}
	return w, nil
}

func (w *workshop) program(name string) string { return filepath.Join(w.bin, name) }

func (w *workshop) passFile() string { return filepath.Join(w.dir, "pgpass") }

func (w *workshop) template() string { return filepath.Join(w.dir, "template") }

// chooseUser returns us, or whom root lets PostgreSQL run as.
func chooseUser() (user, error) {
	if os.Geteuid() != 0 {
		return user{}, nil
	}
	if runtime.GOOS != "linux" {
		return user{}, errors.New("pgtest: PostgreSQL does not run as root: run the test as another user")
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := osuser.Lookup(name); err == nil {
			uid, _ := strconv.Atoi(u.Uid)
			gid, _ := strconv.Atoi(u.Gid)
			return user{true, uid, gid}, nil
		}
	}
	return user{}, errors.New("pgtest: PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// makeFolder returns a new folder that the user owns and gets to: the folders that
// package testing makes are closed to others, and so may TMPDIR be. Where nobody has
// set that, it is in memory: a data folder has a thousand files, and to copy them
// takes some disks twenty times as long.
func makeFolder(as user) (string, error) {
	parent := os.TempDir()
	if memory := memoryFolder(); memory != "" && os.Getenv("TMPDIR") == "" {
		parent = memory
	} else if as.other && !open(parent) {
		parent = "/tmp"
	}
	dir, err := os.MkdirTemp(parent, "pgtest-")
	if err != nil {
		return "", fmt.Errorf("pgtest: %w", err)
	}
	return dir, as.own(dir)
}

// open reports whether everybody may go through the folder and those above it.
func open(dir string) bool {
	dir, err := filepath.EvalSymlinks(dir)
	for err == nil {
		var info os.FileInfo
		if info, err = os.Stat(dir); err != nil || info.Mode()&1 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
		dir = filepath.Dir(dir)
	}
	return false
}

// own gives a file or folder to the user.
func (as user) own(name string) error {
	if !as.other {
		return nil
	}
	if err := os.Chown(name, as.uid, as.gid); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return nil
}

// guardScript waits for the end of its input, which is that of the process at the
// other end, and removes a folder. Servers that are just ending may write to it
// once more: hence several times.
const guardScript = `trap '' HUP INT TERM; cat >/dev/null
for i in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$1" 2>/dev/null && exit; sleep 0.2; done`

// watch has dir removed when this process ends, even if killed. No test could:
// the folder belongs to all of them.
func watch(dir string) (io.Closer, error) {
	cmd := exec.Command("/bin/sh", "-c", guardScript, "pgtest-guard", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = attributes(user{}, 0)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	go cmd.Wait()
	return in, nil
}

// makeTemplate makes the data folder. It has been started once, alone: only then
// may a standby begin as a copy of it.
func (w *workshop) makeTemplate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	secret := filepath.Join(w.dir, "password")
	if err := errors.Join(
		w.write(secret, w.superuser.password),
		w.write(w.passFile(), "*:*:*:"+w.superuser.name+":"+w.superuser.password),
	); err != nil {
		return err
	}
	err := run(ctx, w.as, w.dir, "", w.program("initdb"), "-D", w.template(), "-U", w.superuser.name, "--pwfile", secret,
		"-A", "scram-sha-256", "-N", "--no-locale", "-E", "UTF8", "--wal-segsize=1")
	if err != nil {
		return err
	}
	if err := w.write(filepath.Join(w.template(), "postgresql.conf"), settingsText(w.settings())); err != nil {
		return err
	}
	if err := w.write(filepath.Join(w.template(), "pg_hba.conf"), hba); err != nil {
		return err
	}
	// In single-user mode a statement ends with its line.
	sql := strings.Join([]string{
		"create role app login password '" + w.app.password + "'",
		"alter database postgres rename to app",
		"alter database app owner to app",
	}, ";\n") + ";\n"
	return run(ctx, w.as, w.template(), sql, w.program("postgres"), "--single", "-D", w.template(), "template1")
}

// write writes a file that only the servers' user may read.
func (w *workshop) write(name, text string) error {
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return w.as.own(name)
}
