package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"runtime"
	"strings"

	"modernc.org/sqlite"

	"homing/trail"
	"homing/trail/sqltrail"
)

// SQLite's result codes that mean something here; extended codes have these in
// their low byte.
const (
	codeError    = 1
	codeBusy     = 5
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeCantOpen = 14
	codeProtocol = 15
	codeNotADB   = 26
)

// dsn writes the URI of a file whose path was validated. _error_rc keeps the
// driver from explaining one error with the text of another.
func dsn(path string, params ...string) string {
	return "file:" + path + "?_error_rc=1&_pragma=busy_timeout(5000)&" + strings.Join(params, "&")
}

// writerParams leave checkpoints to the capture: a checkpoint at another time
// could drop from the WAL what was not captured yet.
var writerParams = []string{
	"_pragma=journal_mode(wal)", "_pragma=synchronous(normal)", "_pragma=foreign_keys(1)", "_pragma=wal_autocheckpoint(0)",
}

// openWriter returns the app's handle on a primary. committed is called after
// each commit.
func openWriter(path string, committed func()) *sql.DB {
	return openSQL(dsn(path, writerParams...), sqltrail.Hooks{
		Opened:    watchCommits,
		Committed: committed,
	})
}

// openReader returns the app's handle on a replica. Commits are not watched: the
// only ones are those to temporary tables, which are no writes.
func openReader(path string) *sql.DB {
	return openSQL(dsn(path, "mode=ro", "_pragma=foreign_keys(1)"), sqltrail.Hooks{Failed: replicaMark})
}

func openSQL(dsn string, hooks sqltrail.Hooks) *sql.DB {
	db := sql.OpenDB(sqltrail.Wrap(connector(dsn), hooks))
	// Opening a connection costs more than most queries on one.
	db.SetMaxIdleConns(max(8, 2*runtime.GOMAXPROCS(0)))
	return db
}

// connector opens connections to dsn.
type connector string

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := sqlite.NewConnector(string(c))
	if err != nil {
		return nil, err
	}
	return inner.Connect(ctx)
}

func (c connector) Driver() driver.Driver { return new(sqlite.Driver) }

// replicaMark says what an error on a replica means for its request. Every write
// is refused with the plain code 8, before anything else is looked at, if the
// file is there; what else may fail is the copy's fault, and the primary can
// answer. On a primary
// code 8 is no mark: the request is at home, and would be sent in circles.
func replicaMark(_ context.Context, _ string, err error) trail.Mark {
	code := sqliteCode(err)
	if code == codeReadOnly {
		return trail.Refused
	}
	switch code & 0xff {
	case codeReadOnly, // extended: a read that cannot get at the WAL
		codeBusy, codeIO, codeCorrupt, codeCantOpen, codeProtocol, codeNotADB:
		return trail.Conflict
	}
	return 0
}

// sqliteCode returns SQLite's extended result code, or 0.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// watchCommits has SQLite report commits on c, and keeps the WAL when c is the
// last connection to be closed (see capture.go).
func watchCommits(c driver.Conn) (func() bool, error) {
	if err := persistWAL(c); err != nil {
		return nil, err
	}
	committed := false // both are called by whoever uses c
	c.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
		committed = true
		return 0
	})
	return func() bool {
		was := committed
		committed = false
		return was
	}, nil
}

// openGuard creates the file if need be, and returns a connection to be closed
// after all others: the last one decides whether the WAL stays.
func openGuard(ctx context.Context, path string) (driver.Conn, error) {
	c, err := connector(dsn(path, writerParams...)).Connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := persistWAL(c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// persistWAL keeps the WAL file when c is closed as the last connection. Without
// it the capture cannot tell, at the next start, whether it has seen everything.
func persistWAL(c driver.Conn) error {
	_, err := c.(sqlite.FileControl).FileControlPersistWAL("main", 1)
	return err
}
