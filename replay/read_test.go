package replay_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"homing/region"
	"homing/replay"
)

func TestAsks(t *testing.T) {
	for _, tt := range []struct {
		name       string
		header     map[string][]string
		asks, body bool
	}{
		{"nothing", nil, false, false},
		{"the header", map[string][]string{replay.Header: {"region=ord"}}, true, false},
		{"an empty header", map[string][]string{replay.Header: {""}}, true, false},
		{"the content type", map[string][]string{"Content-Type": {replay.ContentType + ";v=1"}}, true, true},
		{"another content type", map[string][]string{"Content-Type": {replay.ContentType + "x"}}, false, false},
		{"the cache alone", map[string][]string{replay.CacheHeader: {"/a"}}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if asks, body := replay.Asks(tt.header); asks != tt.asks || body != tt.body {
				t.Errorf("asks %v, body %v; want %v, %v", asks, body, tt.asks, tt.body)
			}
		})
	}
}

func TestReadRefusesTwoContentTypes(t *testing.T) {
	header := map[string][]string{"Content-Type": {"text/plain", replay.ContentType}}
	if _, err := replay.Read(header, []byte("{}")); err == nil || !strings.Contains(err.Error(), "content-type") {
		t.Errorf("error %v, want one about the content type", err)
	}
}

func TestTheJSONFormHasALimit(t *testing.T) {
	body := func(n int) []byte { return []byte(`{"x":"` + strings.Repeat("a", n-len(`{"x":""}`)) + `"}`) }
	if _, err := replay.ParseJSON(body(replay.MaxJSON)); err != nil {
		t.Errorf("64 KiB: %v", err)
	}
	if _, err := replay.ParseJSON(body(replay.MaxJSON + 1)); err == nil || !strings.Contains(err.Error(), "longer than 64 KiB") {
		t.Errorf("a byte more: error %v", err)
	}
	if _, err := (replay.Instruction{State: strings.Repeat("a", replay.MaxJSON)}).FormatJSON(); err == nil {
		t.Error("more than 64 KiB are written")
	}
}

func TestJSONErrorsNeverQuoteSecrets(t *testing.T) {
	for _, in := range []string{
		`{"state":"hunter2;"}`, `{"state":"hunter2`, `{"state":hunter2}`, `{"state":"hunter2\u0000"}`, `{"state":["hunter2"]}`, `{"state":"hunter2","state":"hunter2"}`,
		`{"transform":{"path":"hunter2"}}`, `{"transform":{"path":"/?hunter2#"}}`, `{"transform":{"set_headers":[{"name":"x","value":"hunter2\n"}]}}`,
	} {
		if _, err := replay.ParseJSON([]byte(in)); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v, want one without the secret", in, err)
		}
	}
}

// Strict out, in the JSON form too; the header form cannot hold all of it.
func TestFormatJSONRefusesWhatCannotBeReadBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   replay.Instruction
		want string
	}{
		{"a semicolon in a state", replay.Instruction{State: "a;b"}, "state: cannot hold ';'"},
		{"a state that is not UTF-8", replay.Instruction{State: "\xff"}, "state: is not UTF-8"},
		{"a path without a slash", replay.Instruction{Transform: replay.Transform{Path: "a"}}, "transform.path: want a path"},
		{"a header of the edge's", replay.Instruction{Transform: replay.Transform{DeleteHeaders: []string{"x", "TE"}}}, `transform.delete_headers[1]: "TE"`},
		{"a header without a name", replay.Instruction{Transform: replay.Transform{SetHeaders: []replay.SetHeader{{}}}}, "transform.set_headers[0].name: has no value"},
		{"a value with a new line", replay.Instruction{Transform: replay.Transform{SetHeaders: []replay.SetHeader{{"x", "a\n"}}}}, "transform.set_headers[0].value"},
		{"a value that is not UTF-8", replay.Instruction{Transform: replay.Transform{SetHeaders: []replay.SetHeader{{"x", "\xff"}}}}, "a value is not UTF-8"},
		{"part of a second", replay.Instruction{Cache: replay.CacheOrder{TTL: time.Millisecond}}, "cache.ttl: want whole seconds"},
		{"a time before now", replay.Instruction{Cache: replay.CacheOrder{TTL: -time.Second}}, "cache.ttl"},
		{"a path that is none", replay.Instruction{Cache: replay.CacheOrder{Pattern: replay.Pattern{Path: "/a//b"}}}, "cache.prefix: cannot be written"},
		{"a host without a path", replay.Instruction{Cache: replay.CacheOrder{Pattern: replay.Pattern{Host: "x"}}}, "cache.prefix: cannot be written"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.in.FormatJSON()
			if got != nil || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("FormatJSON = %s, %v; want an error with %q", got, err, tt.want)
			}
		})
	}
}

func TestTheHeaderFormHoldsNoTransform(t *testing.T) {
	in := replay.Instruction{App: "x", Transform: replay.Transform{Path: "/a"}}
	if got, err := in.Format(); err == nil || !strings.Contains(err.Error(), "only the JSON form") {
		t.Errorf("Format = %q, %v; want an error", got, err)
	}
}

func TestSetHeadersRefusesWhatHeadersCannotSay(t *testing.T) {
	for _, o := range []replay.CacheOrder{
		{Invalidate: true, TTL: time.Minute}, {Invalidate: true, AllowBypass: true}, {TTL: time.Nanosecond}, {Pattern: replay.Pattern{Path: "a"}},
	} {
		header := map[string][]string{}
		if err := o.SetHeaders(header); err == nil || len(header) > 0 {
			t.Errorf("%+v is written %v, %v; want an error", o, header, err)
		}
	}
}

func TestTheZeroPatternMatchesNothing(t *testing.T) {
	if (replay.Pattern{}).Matches("example.com", "/") || (replay.Pattern{}).String() != "" {
		t.Error("the zero pattern matches or is written")
	}
	// Two values decide about a path only if both are in the same form.
	if path, ok := replay.CachePath("*"); ok {
		t.Errorf("the target of OPTIONS * has the path %q", path)
	}
}

// A client is a stranger, and each region it lists costs a look at every machine.
func TestPlacementIsBounded(t *testing.T) {
	var codes []string
	for i := range 100 {
		codes = append(codes, fmt.Sprintf("r%d", i))
	}
	text := strings.Join(codes, ",")
	p, err := replay.ParsePlacement(map[string][]string{replay.PreferRegionHeader: {text}})
	if err != nil || len(p.PreferRegions) != 64 || p.PreferRegions[63] != region.Code("r63") {
		t.Errorf("%d preferred regions, %v; want the first 64", len(p.PreferRegions), err)
	}
	if _, err := replay.ParsePlacement(map[string][]string{replay.ForceRegionHeader: {text}}); err == nil || !strings.Contains(err.Error(), "more than 64") {
		t.Errorf("forced regions: error %v, want one", err)
	}
	if p := (replay.Placement{}); !p.IsZero() {
		t.Error("no placement is one")
	}
}

func TestFailureForgesNothing(t *testing.T) {
	f := replay.Failure{App: "a;reason=x", Reason: replay.TimedOut, Elapsed: 1500 * time.Microsecond}
	if got := f.String(); got != "reason=timeout;elapsed_ms=1" {
		t.Errorf("it is written %q", got)
	}
}

// What takes twice as long for twice the input takes 64 KiB in no time: the
// deadline is generous, and a quadratic parser is far beyond it.
func TestParsersAreLinear(t *testing.T) {
	const n = 1 << 18
	start := time.Now()
	for _, unit := range []string{",", ";", "=", ",a", "a=,", `a="`, "a,b=", " ", "state=;", "x,y,"} {
		text := "region=" + strings.Repeat(unit, n/len(unit))
		_, _ = replay.Parse(text)
		_, _ = replay.ParseSource(text)
		_, _ = replay.ParseFailure(text)
		_, _ = replay.ParsePattern("/" + text)
		_, _ = replay.ParsePlacement(map[string][]string{replay.PreferRegionHeader: {text}})
	}
	for _, unit := range []string{"[", `{"a":`, `"a",`, "1,"} {
		_, _ = replay.ParseJSON([]byte(`{"x":[` + strings.Repeat(unit, replay.MaxJSON/len(unit)-10)))
		_, _ = replay.ParseJSON([]byte(`{"region":[` + strings.Repeat(unit, replay.MaxJSON/len(unit)-10) + `"a"]}`))
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestReadDoesNotChangeTheHeader(t *testing.T) {
	header := map[string][]string{replay.Header: {"region=ord"}, replay.CacheHeader: {" /a "}}
	if _, err := replay.Read(header, nil); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{replay.Header: {"region=ord"}, replay.CacheHeader: {" /a "}}
	if !reflect.DeepEqual(header, want) {
		t.Errorf("it is %q afterwards", header)
	}
}
