package replay_test

import (
	"reflect"
	"testing"
	"unicode/utf8"

	"homing/replay"
)

// seed adds every value of a key in the corpus.
func seed(f *testing.F, keys ...string) {
	for _, c := range cases(f) {
		for _, key := range keys {
			for _, value := range c.All(key) {
				f.Add(value)
			}
		}
	}
}

// roundTrip checks that an instruction is read as it is written.
func roundTrip(t *testing.T, in replay.Instruction) {
	t.Helper()
	if text, err := in.FormatJSON(); err == nil {
		if back, err := replay.ParseJSON(text); err != nil || !reflect.DeepEqual(back, in) {
			t.Fatalf("%+v is written %s, and then %+v, %v", in, text, back, err)
		}
	} else if utf8.ValidString(in.State) {
		t.Fatalf("%+v was read and cannot be written as JSON: %v", in, err)
	}
	if !in.Transform.IsZero() {
		return
	}
	out, err := in.Format()
	header := map[string][]string{replay.Header: {out}}
	if err != nil {
		t.Fatalf("%+v was read and cannot be written: %v", in, err)
	}
	if in.Cache.Invalidate && in.Cache != (replay.CacheOrder{Invalidate: true}) {
		return // JSON alone can say both
	}
	if err := in.Cache.SetHeaders(header); err != nil {
		t.Fatalf("%+v was read and cannot be written: %v", in.Cache, err)
	}
	if back, err := replay.Read(header, nil); err != nil || !reflect.DeepEqual(back, in) {
		t.Fatalf("%+v is written %q, and then %+v, %v", in, header, back, err)
	}
}

// short checks that an error can go into a log.
func short(t *testing.T, err error) {
	t.Helper()
	if len(err.Error()) > 500 {
		t.Fatalf("an error of %d bytes: %.100s…", len(err.Error()), err)
	}
}

func FuzzParse(f *testing.F) {
	seed(f, "header", "src", "failed")
	f.Fuzz(func(t *testing.T, s string) {
		in, err := replay.Parse(s)
		if err != nil {
			short(t, err)
			return
		}
		roundTrip(t, in)
	})
}

func FuzzParseJSON(f *testing.F) {
	seed(f, "json")
	f.Fuzz(func(t *testing.T, s string) {
		in, err := replay.ParseJSON([]byte(s))
		if err != nil {
			short(t, err)
			return
		}
		// What one byte became six must not matter.
		if len(s) < replay.MaxJSON/6 {
			roundTrip(t, in)
		}
	})
}

func FuzzParseSource(f *testing.F) {
	seed(f, "src", "header")
	f.Fuzz(func(t *testing.T, s string) {
		src, err := replay.ParseSource(s)
		if err != nil {
			short(t, err)
			return
		}
		if sameSource(src, replay.Source{}) {
			return
		}
		if again, err := replay.ParseSource(src.String()); err != nil || !sameSource(src, again) {
			t.Fatalf("%q is %+v, written %q, and then %+v, %v", s, src, src, again, err)
		}
	})
}

func FuzzParseFailure(f *testing.F) {
	seed(f, "failed", "src")
	f.Fuzz(func(t *testing.T, s string) {
		failure, err := replay.ParseFailure(s)
		if err != nil {
			short(t, err)
			return
		}
		if again, err := replay.ParseFailure(failure.String()); err != nil || failure != again {
			t.Fatalf("%q is %+v, written %q, and then %+v, %v", s, failure, failure, again, err)
		}
	})
}

func FuzzParsePattern(f *testing.F) {
	seed(f, "pattern", "cache", "for", "not-for")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := replay.ParsePattern(s)
		if err != nil {
			short(t, err)
			return
		}
		again, err := replay.ParsePattern(p.String())
		if err != nil || p != again {
			t.Fatalf("%q is %+v, written %q, and then %+v, %v", s, p, p, again, err)
		}
		if host := p.Host; !p.Matches(host, p.Path) || !p.Matches(host, p.Path+"/x") && p.Path != "/" || p.Path != "/" && p.Matches(host, p.Path+"x") {
			t.Fatalf("%q is %+v, which matches what it should not, or the other way round", s, p)
		}
	})
}
