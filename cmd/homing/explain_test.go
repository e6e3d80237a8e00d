package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// explained runs "homing explain" with this text as its standard input.
func explained(t *testing.T, stdin string, args ...string) (out, errOut string, err error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "stdin")
	if err := os.WriteFile(path, []byte(stdin), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	was := os.Stdin
	os.Stdin = file
	defer func() { os.Stdin = was }()
	var o, e syncBuffer
	err = run(t.Context(), append([]string{"explain"}, args...), &o, &e)
	return o.String(), e.String(), err
}

func TestExplain(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"regions in order", `region="iad,any";timeout=5s`, []string{
			"deliver to        1. iad   Ashburn\n                  2. any   anywhere, the nearest first\n",
			"time to reach it  5s; the answer itself may take longer\n",
			"if unreachable    the client gets an error",
			"cache             never: it has a timeout\n",
		}},
		{"one region", "region=gru", []string{"deliver to        gru   São Paulo\n", "app               the same\n"}},
		{"an alias", "region=sa", []string{"anywhere in South America: bog eze gig gru scl\n"}},
		{"a slip", "region=odr", []string{"odr   a region of your own; did you mean ord (Chicago)?\n"}},
		{"a machine", "instance=abc", []string{"machine abc and no other\n"}},
		{"a machine in a region", "instance=abc;region=ord", []string{"machine abc and no other\n", "which must be in ord   Chicago\n"}},
		{"a preferred machine", "prefer_instance=abc", []string{"machine abc if it can take the request, else\n", "the nearest machine", "stands in for abc"}},
		{"nothing", "elsewhere=true", []string{"the nearest machine that can take it\n", "never the machine that asked\n"}},
		{"a way back", "app=x;fallback=force_self", []string{"app               x;", "back to the machine that asked, or an error", "fly-replay-failed"}},
		{"a softer way back", "app=x;fallback=prefer_self", []string{"or to any of its app"}},
		{"a state", "state=hunter2;region=ord", []string{"state             (set, 7 bytes)\n"}},
		{"a short state", "state=h", []string{"(set, 1 byte)\n"}},
		{"a line from a log", "Fly-Replay: region=ord", []string{"Chicago"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, errOut, err := explained(t, "", tt.in)
			if err != nil || errOut != "" {
				t.Errorf("error %v, %q", err, errOut)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("it lacks %q:\n%s", want, out)
				}
			}
			checkScreen(t, out)
		})
	}
}

func TestExplainJSON(t *testing.T) {
	out, _, err := explained(t, `{"app":"x","transform":{"path":"/new?`+strings.Repeat("long", 50)+`","delete_headers":["cookie"],
		"set_headers":[{"name":"authorization","value":"hunter2"}]}}`, "--json")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"path /new?", "without the header cookie\n", "header authorization: (set, 7 bytes)\n", "never: it has a transform"} {
		if !strings.Contains(out, want) {
			t.Errorf("it lacks %q:\n%s", want, out)
		}
	}
	checkScreen(t, out)
	for in, want := range map[string]string{
		`{"cache":{"prefix":"/a","ttl":60,"allow_bypass":true}}`: "for 1m0s, requests to /a/* go there unasked\n                  clients may skip it",
		`{"cache":{"prefix":"/a","ttl":5}}`:                      "not for 5s: the least is 10s\n",
		`{"cache":{"invalidate":true}}`:                          "what is cached for this request is forgotten\n",
		`{}`:                                                     "only by the app's settings for sessions",
	} {
		if out, _, err := explained(t, in, "--json"); err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v, it lacks %q:\n%s", in, err, want, out)
		}
	}
}

// What is wrong is shown with a caret below it, and said in one line.
func TestExplainPointsAtWhatIsWrong(t *testing.T) {
	long := strings.Repeat("x", 200)
	for _, tt := range []struct{ name, in, shown, err string }{
		{"a bad value", "region=ord;timeout=10", "  region=ord;timeout=10\n             ^\n", "timeout at byte 11: want a time with its unit"},
		{"letters of several bytes", "état=1;région=1;ord", "  état=1;région=1;ord\n  ^\n", "at byte 0: want name=value"},
		{"nothing", "", "  \n  ^\n", "at byte 0: is empty"},
		{"far to the right", "a=" + long + ";region=?", "x;region=?\n  " + strings.Repeat(" ", 40) + "^\n", "region at byte 203"},
		{"long to the right", "region=?" + long, "…\n  ^\n", "region at byte 0"},
		{"a control character", "a=\x1b[31m;ord", "  a=·[31m;ord\n          ^\n", "at byte 8"},
		{"a state in front", "state=hunter2;region=?", "  state=*******;region=?\n                ^\n", "region at byte 14"},
		{"the rest of a state", "state=a;hunter2", "  state=*********\n          ^\n", "at byte 8: want name=value"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, errOut, err := explained(t, "", tt.in)
			if out != "" || !strings.HasSuffix(errOut, tt.shown) {
				t.Errorf("it shows\n%s%swant\n%s", out, errOut, tt.shown)
			}
			if err == nil || !strings.HasPrefix(err.Error(), "homing explain: "+tt.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %q in one line", err, tt.err)
			}
			checkScreen(t, errOut)
		})
	}
}

func TestExplainPointsIntoJSON(t *testing.T) {
	_, errOut, err := explained(t, "{\n  \"app\": \"x\",\n  \"timeout\": 10\n}\n", "--json")
	if want := "    \"timeout\": 10\n               ^\n"; errOut != want || err == nil || !strings.HasPrefix(err.Error(), "homing explain: timeout at byte 29") {
		t.Errorf("it shows\n%s%v\nwant\n%s", errOut, err, want)
	}
}

func TestExplainNeverShowsAState(t *testing.T) {
	for _, in := range []string{
		"state=hunter2", "state=hunter2;x", "STATE = hunter2;region=?", "region=?;state=hunter2", "app=x state=hunter2", "region=?,state=hunter2",
		`state="a;hunter2"`, "state=hunter2\x00", "state hunter2", "state=a;state=hunter2",
	} {
		out, errOut, err := explained(t, "", in)
		if text := out + errOut; strings.Contains(text, "hunter2") || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q is shown as\n%s%v", in, text, err)
		}
	}
	for _, in := range []string{
		`{"state":"hunter2"}`, `{"state":"hunter2;"}`, `{"state":"hunter2","region":7}`, `{"st\u0061te":"hunter2","region":7}`, `{"state":"hunter2`,
		`{"state":hunter2}`, `{state: "hunter2"}`, `{"state":"hunter2"} x`, `{"state":"hunter2","state":"hunter2"}`, `{"region":7,"state":"a\"hunter2"}`,
		`{"transform":{"set_headers":[{"name":"x","value":"hunter2\n"}]}}`, `{"region":7,"transform":{"set_headers":[{"name":"x","value":"hunter2"}]}}`,
	} {
		out, errOut, err := explained(t, in, "--json")
		if text := out + errOut; strings.Contains(text, "hunter2") || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s is shown as\n%s%v", in, text, err)
		}
	}
}

func TestExplainWantsOneInstruction(t *testing.T) {
	for want, args := range map[string][]string{
		"wants one instruction": {}, "wants one": {"region=ord", "app=x"}, "takes no argument": {"--json", "region=ord"},
	} {
		if _, _, err := explained(t, "", args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", args, err, want)
		}
	}
}

func checkScreen(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
}
