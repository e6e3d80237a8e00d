package wire_test

import (
	"reflect"
	"slices"
	"testing"

	"homing/wire"
)

func TestHeaderComparesNamesWithoutCase(t *testing.T) {
	h := wire.Header{{"Accept", "a"}, {"X-Y", "1"}, {"x-y", "2"}}
	if h.Get("x-Y") != "1" || h.Count("X-y") != 2 || !h.Has("ACCEPT") || h.Has("Accep") || h.Get("none") != "" {
		t.Errorf("%q is not found by name", h)
	}
	if got := slices.Collect(h.Values("X-Y")); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("values %q", got)
	}
	if h.Has("X\u212a") || (wire.Header{{"\u212a", ""}}).Has("k") {
		t.Error("a Kelvin sign is taken for a k")
	}
}

func TestHeaderChanges(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*wire.Header)
		want   wire.Header
	}{
		{"add", func(h *wire.Header) { h.Add("b", "4") }, wire.Header{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"b", "4"}}},
		{"set in its place", func(h *wire.Header) { h.Set("a", "4") }, wire.Header{{"a", "4"}, {"B", "2"}}},
		{"set a new one", func(h *wire.Header) { h.Set("C", "4") }, wire.Header{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}}},
		{"delete all of a name", func(h *wire.Header) { h.Del("a") }, wire.Header{{"B", "2"}}},
		{"delete what is not there", func(h *wire.Header) { h.Del("x") }, wire.Header{{"A", "1"}, {"B", "2"}, {"a", "3"}}},
		{"delete some", func(h *wire.Header) { h.DelFunc(func(f wire.Field) bool { return f.Value < "3" }) }, wire.Header{{"a", "3"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			original := wire.Header{{"A", "1"}, {"B", "2"}, {"a", "3"}}
			h := original.Clone()
			tt.change(&h)
			if !reflect.DeepEqual(h, tt.want) {
				t.Errorf("%q, want %q", h, tt.want)
			}
			if !reflect.DeepEqual(original, wire.Header{{"A", "1"}, {"B", "2"}, {"a", "3"}}) {
				t.Errorf("the original became %q", original)
			}
		})
	}
}

func TestHeaderTokens(t *testing.T) {
	h := wire.Header{{"Connection", "close,\tX-Y ,, "}, {"connection", "Upgrade"}}
	if got := slices.Collect(h.Tokens("Connection")); !slices.Equal(got, []string{"close", "X-Y", "Upgrade"}) {
		t.Errorf("tokens %q", got)
	}
	if !h.HasToken("CONNECTION", "x-y") || h.HasToken("Connection", "x") {
		t.Error("a token is not found, or a part of one is")
	}
}

func TestLookingUpDoesNotAllocate(t *testing.T) {
	h := wire.Header{{"Connection", "close, X-Y"}, {"Host", "a"}}
	if n := testing.AllocsPerRun(100, func() {
		if h.Get("host") != "a" || h.Count("HOST") != 1 || !h.HasToken("connection", "x-y") {
			t.Fatal("not found")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
