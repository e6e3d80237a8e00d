package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"homing/machine"
	"homing/trail"
)

// TestRefusedWritesLeaveTheirMark: whichever way a write reaches a replica, and
// whatever the app does with the error.
func TestRefusedWritesLeaveTheirMark(t *testing.T) {
	w := newWorld(t)
	w.insert("one")
	w.insert("two")
	w.sync()
	db := w.replica.SQL()
	const insert = "INSERT INTO notes (text) VALUES ('x')"
	for _, tt := range []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"Exec", func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, insert)
			return err
		}},
		{"Query with RETURNING", func(ctx context.Context) error {
			return db.QueryRowContext(ctx, insert+" RETURNING id").Scan(new(int))
		}},
		{"rows of a query, second statement", func(ctx context.Context) error {
			rows, err := db.QueryContext(ctx, "SELECT 1; "+insert+" RETURNING id")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() || rows.NextResultSet() {
			}
			return rows.Err()
		}},
		{"prepared", func(ctx context.Context) error {
			st, err := db.PrepareContext(ctx, insert)
			if err != nil {
				return err
			}
			defer st.Close()
			_, err = st.ExecContext(ctx)
			return err
		}},
		{"prepared query", func(ctx context.Context) error {
			st, err := db.PrepareContext(ctx, insert+" RETURNING id")
			if err != nil {
				return err
			}
			defer st.Close()
			return st.QueryRowContext(ctx).Scan(new(int))
		}},
		{"transaction", func(ctx context.Context) error {
			return inTx(ctx, db, func(tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, insert)
				return err
			})
		}},
		{"transaction, without a context", func(ctx context.Context) error {
			return inTx(ctx, db, func(tx *sql.Tx) error {
				_, err := tx.Exec(insert)
				return err
			})
		}},
		{"transaction, prepared without a context", func(ctx context.Context) error {
			return inTx(ctx, db, func(tx *sql.Tx) error {
				st, err := tx.Prepare(insert)
				if err != nil {
					return err
				}
				defer st.Close()
				_, err = st.Exec()
				return err
			})
		}},
		// SQLite lets BEGIN IMMEDIATE pass on a read-only file, as a plain BEGIN.
		{"write after BEGIN IMMEDIATE", func(ctx context.Context) error {
			conn, err := db.Conn(ctx)
			if err != nil {
				return err
			}
			defer conn.Close()
			if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
				t.Errorf("BEGIN IMMEDIATE: %v", err)
			}
			_, err = conn.ExecContext(ctx, insert)
			_, rerr := conn.ExecContext(ctx, "ROLLBACK")
			return errors.Join(err, rerr)
		}},
		{"DDL", func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, "CREATE TABLE more (x)")
			return err
		}},
		{"UPDATE of no rows", func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, "UPDATE notes SET text = '' WHERE id = -1")
			return err
		}},
		{"PRAGMA user_version", func(ctx context.Context) error {
			_, err := db.ExecContext(ctx, "PRAGMA user_version = 7")
			return err
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, tr := trail.Start(t.Context())
			if err := tt.do(ctx); err == nil {
				t.Error("no error: the replica has taken a write")
			}
			if !tr.Has(trail.Refused) || tr.Has(trail.Wrote|trail.Conflict) {
				t.Errorf("marks: refused %v, wrote %v, conflict %v; want refused only", tr.Has(trail.Refused), tr.Has(trail.Wrote), tr.Has(trail.Conflict))
			}
		})
	}
}

func inTx(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func TestReadsLeaveNoMark(t *testing.T) {
	w := newWorld(t)
	ctx, tr := trail.Start(t.Context())
	for _, db := range []*DB{w.primary, w.replica} {
		if err := db.SQL().QueryRowContext(ctx, "SELECT count(*) FROM notes").Scan(new(int)); err != nil {
			t.Fatal(err)
		}
		if _, err := db.SQL().ExecContext(ctx, "SELECT nonsense"); err == nil {
			t.Fatal("nonsense was understood")
		}
		if err := inTx(ctx, db.SQL(), func(tx *sql.Tx) error { return tx.QueryRow("SELECT 1").Scan(new(int)) }); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.replica.SQL().ExecContext(ctx, "CREATE TEMP TABLE mine AS SELECT 1"); err != nil {
		t.Fatalf("a temporary table on a replica: %v", err)
	}
	if tr.Has(trail.Refused | trail.Wrote | trail.Conflict) {
		t.Error("a read left a mark")
	}
}

// TestCommitsLeaveTheirMark: each way of committing, and only when it has
// happened.
func TestCommitsLeaveTheirMark(t *testing.T) {
	w := newWorld(t)
	db := w.primary.SQL()
	const insert = "INSERT INTO notes (text) VALUES ('x')"
	for _, tt := range []struct {
		name string
		do   func(ctx context.Context, wrote func(bool)) error
	}{
		{"Exec", func(ctx context.Context, wrote func(bool)) error {
			_, err := db.ExecContext(ctx, insert)
			return err
		}},
		{"RETURNING", func(ctx context.Context, wrote func(bool)) error {
			return db.QueryRowContext(ctx, insert+" RETURNING id").Scan(new(int))
		}},
		{"RETURNING, rows not read", func(ctx context.Context, wrote func(bool)) error {
			rows, err := db.QueryContext(ctx, insert+", ('y') RETURNING id")
			if err != nil {
				return err
			}
			return rows.Close()
		}},
		{"prepared", func(ctx context.Context, wrote func(bool)) error {
			st, err := db.PrepareContext(ctx, insert)
			if err != nil {
				return err
			}
			defer st.Close()
			wrote(false)
			_, err = st.ExecContext(ctx)
			return err
		}},
		{"transaction whose calls have no context", func(ctx context.Context, wrote func(bool)) error {
			return inTx(ctx, db, func(tx *sql.Tx) error {
				_, err := tx.Exec(insert)
				wrote(false)
				return err
			})
		}},
		{"BEGIN and COMMIT by hand", func(ctx context.Context, wrote func(bool)) error {
			conn, err := db.Conn(ctx)
			if err != nil {
				return err
			}
			defer conn.Close()
			for _, q := range []string{"BEGIN", insert} {
				if _, err := conn.ExecContext(ctx, q); err != nil {
					return err
				}
				wrote(false)
			}
			_, err = conn.ExecContext(ctx, "COMMIT")
			return err
		}},
		{"first of two statements, the second fails", func(ctx context.Context, wrote func(bool)) error {
			_, err := db.ExecContext(ctx, insert+"; SELECT nonsense")
			if err == nil {
				t.Error("nonsense was understood")
			}
			return nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx, tr := trail.Start(t.Context())
			wrote := func(want bool) {
				t.Helper()
				if got := tr.Has(trail.Wrote); got != want {
					t.Errorf("wrote is %v, want %v", got, want)
				}
			}
			wrote(false)
			if err := tt.do(ctx, wrote); err != nil {
				t.Fatal(err)
			}
			wrote(true)
		})
	}
}

func TestARollbackIsNoWrite(t *testing.T) {
	w := newWorld(t)
	ctx, tr := trail.Start(t.Context())
	tx, err := w.primary.SQL().BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec("INSERT INTO notes (text) VALUES ('x')"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if tr.Has(trail.Wrote) {
		t.Error("a transaction that was rolled back is marked as a write")
	}
}

// TestAMarkIsOfItsOwnRequest: a pooled connection carries nothing from one
// request to the next.
func TestAMarkIsOfItsOwnRequest(t *testing.T) {
	w := newWorld(t)
	db := w.primary.SQL()
	db.SetMaxOpenConns(1)
	first, before := trail.Start(t.Context())
	if err := inTx(first, db, func(tx *sql.Tx) error { return tx.QueryRow("SELECT 1").Scan(new(int)) }); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO notes (text) VALUES ('x')"); err != nil {
		t.Fatal(err)
	}
	second, after := trail.Start(t.Context())
	if err := db.QueryRowContext(second, "SELECT 1").Scan(new(int)); err != nil {
		t.Fatal(err)
	}
	if before.Has(trail.Wrote) || after.Has(trail.Wrote) {
		t.Errorf("the write of nobody is marked as the request's before: %v, after: %v", before.Has(trail.Wrote), after.Has(trail.Wrote))
	}
}

func TestATransactionsContextEndsWithIt(t *testing.T) {
	w := newWorld(t)
	conn, err := w.primary.SQL().Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, tr := trail.Start(t.Context())
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "INSERT INTO notes (text) VALUES ('x')"); err != nil {
		t.Fatal(err)
	}
	if tr.Has(trail.Wrote) {
		t.Error("a write after the transaction is marked as the transaction's")
	}
}

func TestAReplicaWithoutDataIsAConflict(t *testing.T) {
	w := &world{t: t, dir: t.TempDir(), gate: newGate()}
	db := open(t, Config{Path: w.path("replica"), Role: machine.Replica, Feed: "http://127.0.0.1:1", Logger: quiet()})
	ctx, tr := trail.Start(t.Context())
	if err := db.SQL().QueryRowContext(ctx, "SELECT 1").Scan(new(int)); err == nil {
		t.Error("a replica without a file was read")
	}
	if !tr.Has(trail.Conflict) || tr.Has(trail.Refused) {
		t.Errorf("conflict %v, refused %v; want conflict only", tr.Has(trail.Conflict), tr.Has(trail.Refused))
	}
	if role := db.State().Role; role != machine.None {
		t.Errorf("its role is %s, want none", role)
	}
}
