package replay_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"homing/region"
	"homing/replay"
	"homing/replay/corpus"
)

// cases are the documented behaviours; each kind is told by its first field.
func cases(t testing.TB) []corpus.Case {
	t.Helper()
	all, err := corpus.Read("testdata")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestCorpus(t *testing.T) {
	all := cases(t)
	if len(all) < 110 {
		t.Errorf("%d cases; want 110 at least", len(all))
	}
	for _, c := range all {
		t.Run(c.Section+"/"+c.Name, func(t *testing.T) {
			got, err := outcome(t, c)
			want, wantsValue := c.Lookup("want")
			bad, wantsError := c.Lookup("error")
			if wantsValue == wantsError {
				t.Fatalf("%s: want either a value or an error", c.Where)
			}
			if wantsError && (err == nil || !strings.Contains(err.Error(), bad)) || wantsValue && (err != nil || got != want) {
				t.Errorf("%s:\n got %s, error %v\nwant %s%s", c.Where, got, err, want, bad)
			}
			var syntax *replay.SyntaxError
			if err != nil && c.Fields[0].Key != "pattern" && (!errors.As(err, &syntax) || syntax.Err == nil || errors.Unwrap(err) != syntax.Err) {
				t.Errorf("%s: the error is a %T, want a *SyntaxError around its cause", c.Where, err)
			}
		})
	}
}

// outcome runs what a case is about and writes down the result.
func outcome(t *testing.T, c corpus.Case) (string, error) {
	switch key := c.Fields[0].Key; key {
	case "src":
		src, err := replay.ParseSource(c.Get(key))
		return src.String(), err
	case "failed":
		f, err := replay.ParseFailure(c.Get(key))
		if err != nil {
			return "", err
		}
		return f.String(), nil
	case "pattern":
		return patternOutcome(t, c)
	case "cache-control":
		if replay.SkipsCache(c.All(key)) {
			return "skip", nil
		}
		return "use", nil
	case "prefer-region", "force-region", "prefer-instance-id", "force-instance-id":
		p, err := replay.ParsePlacement(map[string][]string{
			replay.PreferRegionHeader: c.All("prefer-region"), replay.ForceRegionHeader: c.All("force-region"),
			replay.PreferInstanceHeader: c.All("prefer-instance-id"), replay.ForceInstanceHeader: c.All("force-instance-id"),
		})
		return describe(p), err
	}
	return instructionOutcome(t, c)
}

// instructionOutcome reads an answer, and checks that what it asks for is written
// as it is read in both forms.
func instructionOutcome(t *testing.T, c corpus.Case) (string, error) {
	header, body := answer(c)
	in, err := replay.Read(header, body)
	if err != nil {
		if !reflect.DeepEqual(in, replay.Instruction{}) {
			t.Errorf("%+v beside an error", in)
		}
		return "", err
	}
	roundTrip(t, in)
	if want, ok := c.Lookup("cached"); ok {
		got := "yes"
		host, path, _ := strings.Cut(c.Get("request"), "/")
		err := in.Cacheable()
		if err == nil {
			err = in.Cache.Fits(host, "/"+path)
		}
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: cached: %s, want %s", c.Where, got, want)
		}
	}
	text, err := in.FormatJSON()
	if err != nil {
		t.Errorf("what was read cannot be written: %v", err)
	}
	return string(text), nil
}

// answer is the header and body of an answer that asks for a replay.
func answer(c corpus.Case) (header map[string][]string, body []byte) {
	header = map[string][]string{}
	for _, f := range [...]struct{ key, name string }{
		{"header", replay.Header}, {"cache", replay.CacheHeader}, {"ttl", replay.CacheTTLHeader},
		{"bypass", replay.CacheBypassHeader}, {"type", "Content-Type"}, {"encoding", "Content-Encoding"},
	} {
		if values := c.All(f.key); len(values) > 0 {
			header[f.name] = values
		}
	}
	json, ok := c.Lookup("json")
	if ok && len(header["Content-Type"]) == 0 {
		header["Content-Type"] = []string{replay.ContentType}
	}
	return header, []byte(json)
}

func patternOutcome(t *testing.T, c corpus.Case) (string, error) {
	p, err := replay.ParsePattern(c.Get("pattern"))
	for want, key := range map[bool]string{true: "for", false: "not-for"} {
		for _, target := range c.All(key) {
			path, ok := replay.CachePath(target)
			if got := ok && p.Matches("example.com", path); got != want {
				t.Errorf("%s: matches %s: %v, want %v", c.Where, target, got, want)
			}
		}
	}
	return p.String(), err
}

func describe(p replay.Placement) string {
	var parts []string
	add := func(name, value string) {
		if value != "" {
			parts = append(parts, name+" "+value)
		}
	}
	add("prefer-region", list(p.PreferRegions))
	add("force-region", list(p.ForceRegions))
	add("prefer-instance-id", string(p.PreferInstance))
	add("force-instance-id", string(p.ForceInstance))
	return strings.Join(parts, "; ")
}

func list(codes []region.Code) string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(codes), " ", ","), "[]")
}
