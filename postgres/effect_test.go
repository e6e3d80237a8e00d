package postgres

import (
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestEffectOfTag(t *testing.T) {
	for tag, want := range map[string]effect{
		"":                  unchanged, // an empty statement, a ping
		"SELECT 3":          unchanged,
		"INSERT 0 1":        changed,
		"INSERT 0 0":        unchanged,
		"UPDATE 2":          changed,
		"DELETE 0":          unchanged,
		"MERGE 1":           changed,
		"COPY 5":            perhaps, // from or to, it does not say
		"COPY 0":            unchanged,
		"BEGIN":             unchanged,
		"COMMIT":            unchanged,
		"ROLLBACK":          unchanged,
		"COMMIT PREPARED":   perhaps,
		"SET":               unchanged,
		"DECLARE CURSOR":    unchanged,
		"FETCH 3":           unchanged,
		"CREATE TABLE":      perhaps,
		"TRUNCATE TABLE":    perhaps,
		"DO":                perhaps,
		"CALL":              perhaps,
		"REFRESH SOMETHING": perhaps,
	} {
		if got := effectOfTag(pgconn.NewCommandTag(tag)); got != want {
			t.Errorf("%q: %d, want %d", tag, got, want)
		}
	}
}

func TestEffectOfText(t *testing.T) {
	for sql, want := range map[string]effect{
		"":                     unchanged,
		"select 1":             unchanged,
		"  SELECT 1;":          unchanged,
		"(select 1) union all": unchanged,
		"-- name: List :many\nselect * from notes":            unchanged,
		"/* app:shop */ /* again */ insert into t values (1)": changed,
		"-- insert":                unchanged,
		"/* never ends":            unchanged,
		"Insert into t values (1)": changed,
		"update t set a = 1":       changed,
		"delete from t":            changed,
		"merge into t":             changed,
		"with n as (insert into t values (1) returning a) select a": perhaps,
		"with n as (select last_update from t) select * from n":     unchanged,
		"with updates as (select 1) select * from updates":          unchanged,
		"explain analyze delete from t":                             perhaps,
		"explain select 1":                                          unchanged,
		"select 1; delete from t":                                   changed,
		"select 1; select 2;":                                       unchanged,
		"select ';do it'":                                           perhaps, // too much, not too little
		"create table t as select 1":                                perhaps,
		"do $$ begin end $$":                                        perhaps,
		"averyverylongwordthatmeansnothing":                         perhaps,
		"wählen":                                                    perhaps,
		"begin":                                                     unchanged,
		"start transaction isolation level serializable":            unchanged,
		"commit":                      unchanged,
		"savepoint s":                 unchanged,
		"set local timezone to 'UTC'": unchanged,
		"fetch all from c":            unchanged,
		"table notes":                 unchanged,
		"vacuum":                      unchanged,
		"WITH d AS MATERIALIZED (DELETE FROM t RETURNING *) TABLE d": perhaps,
	} {
		if got := effectOfText(sql); got != want {
			t.Errorf("%q: %d, want %d", sql, got, want)
		}
	}
}

func TestHidesChange(t *testing.T) {
	for sql, want := range map[string]bool{
		"select 1":                                              false,
		"insert into t values (1)":                              false, // its tag says it
		"insert into t values (1); ":                            false,
		"insert into t values (1); select 1":                    true,
		"select 1; select 2":                                    false,
		"with n as (select 1) select * from n":                  false,
		"with n as (delete from t returning a) select * from n": true,
		"explain analyze insert into t values (1)":              true,
		"create table t as select 1":                            true,
		"add_note":                                              false, // a prepared statement's name
	} {
		if got := hidesChange(sql); got != want {
			t.Errorf("%q: %v, want %v", sql, got, want)
		}
	}
}

// FuzzEffectOfText: whatever an app sends is only looked at.
func FuzzEffectOfText(f *testing.F) {
	for _, sql := range []string{"select 1", "(-- x\n/* y */with a as (insert) select", "", "/*", "--", ";;", "\xff\x00"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if effectOfText("insert "+sql) != changed || effectOfText(sql+"\n*/;delete x") != changed {
			t.Errorf("a change is missed before or after %q", sql)
		}
		hidesChange(sql)
	})
}
