package replay_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"homing/machine"
	"homing/region"
	"homing/replay"
)

// A state may be a secret between apps, and errors end up in logs and answers.
func TestErrorsNeverQuoteAState(t *testing.T) {
	for _, in := range []string{
		"state=hunter2\x00", "state=hunter2;state=hunter2", "state=hunter2;region=x", "state=hunter2;rest", "region=ord,iad,state=hunter2\x01",
	} {
		if _, err := replay.Parse(in); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("Parse(%q): error %v, want one without the state", in, err)
		}
		if _, err := replay.ParseSource(in); err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ParseSource(%q): error %v quotes the state", in, err)
		}
	}
}

func TestErrorsStayShort(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	for _, in := range []string{
		long, "region=" + long, "app=" + long, "instance=" + long, "elsewhere=" + long, "timeout=" + long, "fallback=" + long,
		`region="` + long, long + "=1;" + long + "=1", "t=" + long,
	} {
		for name, parse := range map[string]func(string) error{
			"Parse":       func(s string) error { _, err := replay.Parse(s); return err },
			"ParseSource": func(s string) error { _, err := replay.ParseSource(s); return err },
		} {
			if err := parse(in); err != nil && len(err.Error()) > 300 {
				t.Errorf("%s(%.20q…): an error of %d bytes", name, in, len(err.Error()))
			}
		}
	}
}

// Strict out: what is written is read back by anybody.
func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   replay.Instruction
		want string
	}{
		{"nothing in particular", replay.Instruction{}, "elsewhere=false"},
		{"one region stands without quotes", replay.Instruction{Regions: []region.Code{"ord"}}, "region=ord"},
		{"several are quoted", replay.Instruction{Regions: []region.Code{"ord", "us", "any"}}, `region="ord,us,any"`},
		{"a state stays raw", replay.Instruction{State: `a=1, "b"`}, `state=a=1, "b"`},
		{"a state may hold a tab", replay.Instruction{State: "a\tb"}, "state=a\tb"},
		{"a timeout below a millisecond is ASCII", replay.Instruction{Timeout: 1500}, "timeout=1.5us"},
		{"everything", replay.Instruction{Regions: []region.Code{"ord"}, Instance: "a", PreferInstance: "b", App: "c", State: "d",
			Elsewhere: true, Timeout: 90 * time.Second, Fallback: replay.PreferSelf},
			"region=ord;instance=a;prefer_instance=b;app=c;state=d;elsewhere=true;timeout=1m30s;fallback=prefer_self"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.in.Format()
			if got != tt.want || err != nil {
				t.Errorf("Format = %q, %v; want %q", got, err, tt.want)
			}
			if back, err := replay.Parse(got); !reflect.DeepEqual(back, tt.in) || err != nil {
				t.Errorf("it is read back as %+v, %v", back, err)
			}
		})
	}
}

func TestFormatRefusesWhatCannotBeReadBack(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   replay.Instruction
		want string
	}{
		{"a semicolon in a state", replay.Instruction{State: "a;region=ord"}, "state: cannot hold ';'"},
		{"a new line in a state", replay.Instruction{State: "a\r\nSet-Cookie: x"}, `state: cannot hold '\r'`},
		{"a delete character in a state", replay.Instruction{State: "\x7f"}, "state: cannot hold"},
		{"a blank before a state", replay.Instruction{State: " a"}, "state: cannot begin or end with a blank"},
		{"a blank after a state", replay.Instruction{State: "a\t"}, "state: cannot begin or end with a blank"},
		{"a region in capitals", replay.Instruction{Regions: []region.Code{"ord", "ORD"}}, `region "ORD"`},
		{"a region that is none", replay.Instruction{Regions: []region.Code{""}}, `region ""`},
		{"a quote in a region", replay.Instruction{Regions: []region.Code{`a";app=x`}}, "cannot be written"},
		{"a machine's name", replay.Instruction{Instance: "a;b"}, "instance: machine ID"},
		{"a preferred machine's name", replay.Instruction{PreferInstance: machine.ID(strings.Repeat("a", 65))}, "prefer_instance: machine ID"},
		{"an app's name", replay.Instruction{App: "a b"}, "app: "},
		{"a time before now", replay.Instruction{Timeout: -time.Second}, "timeout -1s is negative"},
		{"a fallback that does not exist", replay.Instruction{Fallback: 3}, "unknown fallback Fallback(3)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.in.Format()
			if got != "" || err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Format = %q, %v; want an error with %q", got, err, tt.want)
			}
		})
	}
}
