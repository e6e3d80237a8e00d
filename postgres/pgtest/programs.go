package pgtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

var (
	errNoPostgres  = errors.New("pgtest: no PostgreSQL in PATH or /usr/lib/postgresql: apt-get install postgresql")
	errNoPgBouncer = errors.New("pgtest: no pgbouncer in PATH or /usr/sbin: apt-get install pgbouncer")
)

// version is a program's, such as 15.18 or 1.21.
type version struct{ major, minor int }

func (v version) atLeast(other version) bool {
	return cmp.Or(cmp.Compare(v.major, other.major), cmp.Compare(v.minor, other.minor)) >= 0
}

var versionText = regexp.MustCompile(`(\d+)(?:\.|devel|beta|rc)(\d*)`)

// parseVersion reads what a program says of itself when asked --version.
func parseVersion(text string) (version, error) {
	m := versionText.FindStringSubmatch(text)
	if m == nil {
		return version{}, fmt.Errorf("pgtest: no version in %q", text)
	}
	major, err := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2]) // none in 19devel
	return version{major, minor}, err
}

func versionOf(ctx context.Context, program string) (version, error) {
	out, err := exec.CommandContext(ctx, program, "--version").Output()
	if err != nil {
		return version{}, fmt.Errorf("pgtest: %s --version: %w", program, err)
	}
	return parseVersion(string(out))
}

// findPostgres returns the folder of PostgreSQL's programs: that of the postgres
// in PATH, else of Debian's newest, who keeps them out of PATH.
func findPostgres() (string, error) {
	if at, err := exec.LookPath("postgres"); err == nil {
		// A link may stand alone; where it leads, the other programs are.
		at, err = filepath.EvalSymlinks(at)
		return filepath.Dir(at), err
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if len(found) == 0 {
		return "", errNoPostgres
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int {
		return cmp.Compare(debianVersion(a), debianVersion(b))
	})), nil
}

// debianVersion is 15 for /usr/lib/postgresql/15/bin/postgres.
func debianVersion(at string) float64 {
	v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(at))), 64)
	return v
}

// findPgBouncer also looks where Debian puts it, which is in PATH for root only.
func findPgBouncer() (string, error) {
	if at, err := exec.LookPath("pgbouncer"); err == nil {
		return at, nil
	}
	const debian = "/usr/sbin/pgbouncer"
	if _, err := os.Stat(debian); err != nil {
		return "", errNoPgBouncer
	}
	return debian, nil
}
