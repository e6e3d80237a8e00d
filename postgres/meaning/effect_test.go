package meaning

import "testing"

func TestOfTag(t *testing.T) {
	for tag, want := range map[string]Effect{
		"":                  Unchanged, // an empty statement, a ping
		"SELECT 3":          Unchanged,
		"INSERT 0 1":        Changed,
		"INSERT 0 0":        Unchanged,
		"UPDATE 2":          Changed,
		"DELETE 0":          Unchanged,
		"MERGE 1":           Changed,
		"COPY 5":            Perhaps, // from or to, it does not say
		"COPY 0":            Unchanged,
		"BEGIN":             Unchanged,
		"COMMIT":            Unchanged,
		"ROLLBACK":          Unchanged,
		"COMMIT PREPARED":   Perhaps,
		"SET":               Unchanged,
		"DECLARE CURSOR":    Unchanged,
		"FETCH 3":           Unchanged,
		"CREATE TABLE":      Perhaps,
		"TRUNCATE TABLE":    Perhaps,
		"DO":                Perhaps,
		"CALL":              Perhaps,
		"REFRESH SOMETHING": Perhaps,
	} {
		if got := OfTag(tag); got != want {
			t.Errorf("%q: %d, want %d", tag, got, want)
		}
	}
}

func TestOfText(t *testing.T) {
	for sql, want := range map[string]Effect{
		"":                     Unchanged,
		"select 1":             Unchanged,
		"  SELECT 1;":          Unchanged,
		"(select 1) union all": Unchanged,
		"-- name: List :many\nselect * from notes":            Unchanged,
		"/* app:shop */ /* again */ insert into t values (1)": Changed,
		"-- insert":                Unchanged,
		"/* never ends":            Unchanged,
		"Insert into t values (1)": Changed,
		"update t set a = 1":       Changed,
		"delete from t":            Changed,
		"merge into t":             Changed,
		"with n as (insert into t values (1) returning a) select a": Perhaps,
		"with n as (select last_update from t) select * from n":     Unchanged,
		"with updates as (select 1) select * from updates":          Unchanged,
		"explain analyze delete from t":                             Perhaps,
		"explain select 1":                                          Unchanged,
		"select 1; delete from t":                                   Changed,
		"select 1; select 2;":                                       Unchanged,
		"select ';do it'":                                           Perhaps, // too much, not too little
		"create table t as select 1":                                Perhaps,
		"do $$ begin end $$":                                        Perhaps,
		"averyverylongwordthatmeansnothing":                         Perhaps,
		"wählen":                                                    Perhaps,
		"begin":                                                     Unchanged,
		"start transaction isolation level serializable":            Unchanged,
		"commit":                      Unchanged,
		"savepoint s":                 Unchanged,
		"set local timezone to 'UTC'": Unchanged,
		"fetch all from c":            Unchanged,
		"table notes":                 Unchanged,
		"vacuum":                      Unchanged,
		"WITH d AS MATERIALIZED (DELETE FROM t RETURNING *) TABLE d": Perhaps,
	} {
		if got := OfText(sql); got != want {
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
		if got := HidesChange(sql); got != want {
			t.Errorf("%q: %v, want %v", sql, got, want)
		}
	}
}

// FuzzOfText: whatever an app sends is only looked at.
func FuzzOfText(f *testing.F) {
	for _, sql := range []string{"select 1", "(-- x\n/* y */with a as (insert) select", "", "/*", "--", ";;", "\xff\x00"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if OfText("insert "+sql) != Changed || OfText(sql+"\n*/;delete x") != Changed {
			t.Errorf("a change is missed before or after %q", sql)
		}
		HidesChange(sql)
	})
}
