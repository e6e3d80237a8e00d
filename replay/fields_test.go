package replay_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"homing/replay"
)

// line is one field as it stands in an answer.
type line struct{ name, value string }

// wantAlike reads an answer field by field, and as net/http has it, and checks that it
// comes to the same.
func wantAlike(t *testing.T, lines []line, body []byte) (replay.Instruction, error) {
	t.Helper()
	var fields replay.Fields
	header := http.Header{}
	for _, l := range lines {
		fields.Add(l.name, l.value)
		header.Add(l.name, l.value)
	}
	asks, inBody := fields.Asks()
	if wantAsks, wantBody := replay.Asks(header); asks != wantAsks || inBody != wantBody {
		t.Fatalf("%q: asks %v, body %v; net/http's header asks %v, body %v", lines, asks, inBody, wantAsks, wantBody)
	}
	got, err := fields.Read(body)
	want, wantErr := replay.Read(header, body)
	if !reflect.DeepEqual(got, want) || said(err) != said(wantErr) {
		t.Fatalf("%q is %+v, %v; by net/http's header %+v, %v", lines, got, err, want, wantErr)
	}
	return got, err
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFieldsAreReadAsNetHTTPsHeader(t *testing.T) {
	const kind = replay.ContentType
	for _, tt := range []struct {
		name  string
		lines []line
		body  string
		want  string // the instruction in the JSON form, or a part of the error
	}{
		{"nothing", nil, "", "asks for no replay"},
		{"the header", []line{{"Server", "x"}, {"Fly-Replay", "region=ord"}}, "", `{"region":"ord"}`},
		{"odd case", []line{{"fLY-rEPLAY", "region=ord"}, {"FLY-REPLAY-CACHE", "/a"}, {"fly-replay-cache-ttl-secs", "60"}, {"Fly-replay-Cache-ALLOW-bypass", "yes"}}, "",
			`{"region":"ord","cache":{"prefix":"/a/*","ttl":60,"allow_bypass":true}}`},
		{"an empty header", []line{{"Fly-Replay", ""}}, "", "is empty"},
		{"the header twice", []line{{"Fly-Replay", "region=ord"}, {"fly-replay", "region=ord"}}, "", "fly-replay at byte 0: is given 2 times"},
		{"the header thrice, once empty", []line{{"Fly-Replay", ""}, {"fly-replay", "region=ord"}, {"Fly-Replay", ""}}, "", "is given 3 times"},
		{"a pattern twice", []line{{"Fly-Replay", "region=ord"}, {"Fly-Replay-Cache", "/a"}, {"Fly-Replay-Cache", "/a"}}, "", "fly-replay-cache at byte 0: is given 2 times"},
		{"an empty pattern", []line{{"Fly-Replay", "region=ord"}, {"Fly-Replay-Cache", ""}}, "", "fly-replay-cache at byte 0: want a path"},
		{"an empty time", []line{{"Fly-Replay", "region=ord"}, {"Fly-Replay-Cache-Ttl-Secs", ""}}, "", "fly-replay-cache-ttl-secs at byte 0: want a whole number"},
		{"the JSON form", []line{{"content-type", kind}}, `{"region":"ord"}`, `{"region":"ord"}`},
		{"two types, the second the JSON form's", []line{{"Content-Type", "text/plain"}, {"content-type", kind}}, `{}`, "content-type at byte 0: is given more than once"},
		{"as it is", []line{{"Content-Type", kind}, {"CONTENT-ENCODING", " Identity"}}, `{"region":"ord"}`, `{"region":"ord"}`},
		{"compressed by the second word", []line{{"Content-Type", kind}, {"Content-Encoding", "identity"}, {"content-encoding", "gzip"}}, `{}`, "must not be compressed"},
		{"compressed by the first word", []line{{"Content-Type", kind}, {"Content-Encoding", "gzip"}, {"Content-Encoding", "identity"}}, `{}`, "must not be compressed"},
		{"an empty coding", []line{{"Content-Type", kind}, {"Content-Encoding", ""}}, `{}`, "must not be compressed"},
		{"names as long as ours", []line{{"Fly-Replax", "region=ord"}, {"Fly_Replay", "region=ord"}, {"Content-Tipe", kind}}, "", "asks for no replay"},
		{"a letter that only Unicode folds", []line{{"Fly-Replay-Cache-Ttl-\u017fec", "60"}, {"Fly-Replay", "app=x"}}, "", `{"app":"x"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			in, err := wantAlike(t, tt.lines, []byte(tt.body))
			if text, _ := in.FormatJSON(); err == nil {
				got = string(text)
			} else {
				got = err.Error()
			}
			if err == nil && got != tt.want || err != nil && !strings.Contains(got, tt.want) {
				t.Errorf("it is read as %s, want %s", got, tt.want)
			}
		})
	}
}

func TestWhatAsksForNothingTakesNoMemory(t *testing.T) {
	took := testing.AllocsPerRun(100, func() {
		var f replay.Fields
		f.Add("Content-Type", "text/plain")
		f.Add("Cache-Control", "no-store")
		if asks, _ := f.Asks(); asks {
			t.Error("it asks for a replay")
		}
	})
	if took > 0 {
		t.Errorf("%v allocations", took)
	}
}

// Each line of head is a field, if it has a colon.
func FuzzFieldsAgainstNetHTTP(f *testing.F) {
	for _, c := range cases(f) {
		header, body := answer(c)
		head := ""
		for name, values := range header {
			for _, value := range values {
				head += name + ":" + value + "\n"
			}
		}
		if head != "" {
			f.Add(head, body)
			f.Add(strings.ToLower(head)+head, body)
		}
	}
	f.Fuzz(func(t *testing.T, head string, body []byte) {
		var lines []line
		for text := range strings.Lines(head) {
			if name, value, found := strings.Cut(strings.TrimSuffix(text, "\n"), ":"); found {
				lines = append(lines, line{name, value})
			}
		}
		if _, err := wantAlike(t, lines, body); err != nil {
			short(t, err)
		}
	})
}
