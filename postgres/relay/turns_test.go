package relay

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestTurns plays messages of the app (as they are called on the wire), "Z" of the
// server, and a second that passes before each, and asks when what the server is at
// began.
func TestTurns(t *testing.T) {
	for _, tt := range []struct {
		name, said string
		want       time.Duration
		busy       bool
	}{
		{"a login", "", 0, true},
		{"after the login", "Z", 0, false},
		{"a query", "ZQ", 2, true},
		{"after a query", "ZQZ", 2, false},
		{"the second query", "ZQZQ", 4, true},
		{"extended messages count from the first", "ZPBDES", 2, true},
		{"extended messages before their Sync", "ZPB", 2, true},
		{"the first of two that were sent together", "ZPBESPBES", 2, true},
		{"the second of two that were sent together", "ZPBESPBESZ", 6, true},
		{"a COPY whose Sync comes before its data", "ZPBESdcS", 2, true},
		{"after a COPY whose Sync comes before its data", "ZPBESdcSZ", 2, false},
		{"what comes after such a COPY", "ZPBESdcSZQ", 10, true},
		{"a COPY without a Sync before its data", "ZPBEdcSZQ", 9, true},
		{"a COPY by a query", "ZQdcZQ", 6, true},
		{"a COPY by a query that fails early", "ZQdZdcQ", 7, true},
		{"a function call", "ZFZF", 4, true},
		{"more answers than questions", "ZZZQ", 4, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var all turns
				began := time.Now()
				all.begin(began)
				asks := asks{turns: &all}
				for _, kind := range []byte(tt.said) {
					time.Sleep(time.Second)
					if kind == 'Z' {
						all.ready()
					} else if looksAtApp[kind] != unseen {
						asks.heard(kind, nil, true)
					}
				}
				at, busy := all.now()
				if got := at.began.Sub(began); got != tt.want*time.Second || busy != tt.busy {
					t.Errorf("began after %v, busy %v; want %d s, %v", got, busy, tt.want, tt.busy)
				}
			})
		})
	}
}

// TestTurnsAreBounded, and a turn beyond the bound began too early rather than too late.
func TestTurnsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all turns
		asks := asks{turns: &all}
		var sent []time.Time
		for range 10 * mostTurns {
			time.Sleep(time.Second)
			sent = append(sent, time.Now())
			asks.heard('Q', []byte("select 1\x00"), true)
		}
		if len(all.open) != mostTurns {
			t.Errorf("%d are kept, want %d", len(all.open), mostTurns)
		}
		for i := range sent {
			at, busy := all.now()
			if !busy || at.began.After(sent[i]) || i < mostTurns && !at.began.Equal(sent[i]) {
				t.Fatalf("query %d, sent at %v, began at %v, busy %v", i, sent[i], at.began, busy)
			}
			all.ready()
		}
		if _, busy := all.now(); busy {
			t.Error("busy after all answers")
		}
	})
}

func TestStatementsThatHideAreRemembered(t *testing.T) {
	var h hiding
	bind := func(name string) bool { return h.bind([]byte("portal\x00" + name + "\x00\x00\x00")) }
	parse := func(name, text string) bool { return h.parse([]byte(name+"\x00"+text+"\x00\x00\x00"), true) }
	if parse("read", "select 1") || !parse("write", "with x as (insert into t values (1) returning 1) select 1") {
		t.Error("a statement is taken for another")
	}
	if bind("read") || !bind("write") {
		t.Error("a prepared statement is taken for another")
	}
	if parse("write", "select 1"); bind("write") {
		t.Error("a name that means something else now is remembered")
	}
	if !h.parse([]byte("\x00with x as (select 'a very long one'"), false) || h.parse([]byte("\x00select 'a very long one'"), false) {
		t.Error("a text that is not all there is judged wrongly")
	}
	for n := range 2 * mostHiding {
		parse(string(rune('a'+n)), "with x as (delete from t) select 1")
	}
	if len(h.names) > mostHiding || !bind("any") {
		t.Errorf("%d names are kept; others count: %v", len(h.names), bind("any"))
	}
}
