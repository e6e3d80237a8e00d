package keys

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"homing/dashboard"
	"homing/dev"
	"homing/journey"
	"homing/machine"
	"homing/region"
)

// world notes what it is asked to do. The first region has the primary.
type world struct {
	all    []dev.Status
	log    *journey.Log
	called []string
	fails  error
}

func (w *world) Statuses() []dev.Status            { return w.all }
func (w *world) Journeys() *journey.Log            { return w.log }
func (w *world) CanPromote() bool                  { return true }
func (w *world) Hold(r region.Code, on bool) error { return w.note("hold", string(r), on) }
func (w *world) Cut(r region.Code, on bool) error  { return w.note("cut", string(r), on) }
func (w *world) Promote(_ context.Context, r region.Code) error {
	return w.note("promote", string(r), true)
}
func (w *world) Run(_ context.Context, r region.Code, on bool) error {
	return w.note("run", string(r), on)
}
func (w *world) RunMachine(_ context.Context, r region.Code, id machine.ID, on bool) error {
	return w.note("run", string(r)+"/"+string(id), on)
}

func (w *world) note(what, of string, on bool) error {
	if !on {
		what = "un" + what
	}
	w.called = append(w.called, what+" "+of)
	return w.fails
}

// newMenu is of a world with these regions, the second of which has two machines. What
// it says is added to the returned text, and what it does is done at once.
func newMenu(regions ...region.Code) (*menu, *world, *strings.Builder) {
	w, said := &world{log: journey.NewLog(100)}, new(strings.Builder)
	for i, r := range regions {
		s := dev.Status{Region: r, Running: true, Primary: i == 0, Machines: []dev.MachineStatus{{ID: "a", Running: true}}}
		if i == 1 {
			s.Machines = append(s.Machines, dev.MachineStatus{ID: "b"})
		}
		w.all = append(w.all, s)
	}
	m := &menu{world: w, page: "http://127.0.0.1:7600", say: func(text string) { said.WriteString(text) }}
	m.do = func(c dashboard.Choice) { m.carryOut(context.Background(), c) }
	m.quit, m.stop = func() { said.WriteString("quit") }, func() { said.WriteString("stop") }
	return m, w, said
}

func TestWhatKeysDo(t *testing.T) {
	for _, tt := range []struct {
		name, typed string // with a space where there is a pause
		called      string
		said        string
	}{
		{"a region is stopped", "s 1", "unrun ord", "stop ord: done\n"},
		{"a machine is started", "s 5", "run gru/b", "start gru/2: done\n"},
		{"one is cut off", "c2", "cut gru", "cut gru: done\n"},
		{"the primary moves", "p1", "promote gru", "promote gru: done\n"},
		{"nothing is held back at the primary", "r1", "hold gru", "hold gru: done\n"},
		{"Esc", "s \x1b 1", "", "Nothing was done.\n1 is no key here; h shows those that are.\n"},
		{"another question instead", "s p 1", "promote gru", "promote gru: done\n"},
		{"a label that was not offered", "p 9", "", "9 is no key here; h shows those that are.\n"},
		{"a key that is none", "Z", "", "Z is no key here; h shows those that are.\n"},
		{"what is no letter", "\x00\xc3\xa9", "", ""},
		{"a key such as F5, after a question", "s \x1b[15~", "", "Esc none\n"},
		{"what was pasted", "s1s1s1", "", "That was pasted, it seems; nothing was done.\n"},
		{"what was pasted, after a question", "s 11111 1", "", "1 is no key here; h shows those that are.\n"},
		{"Enter", "\r", "", "\n"},
		{"the end", "q", "", "Ending.\nquit"},
		{"Ctrl-Z", "\x1a", "", "stop"},
		{"journeys before the first", "j", "", "No requests yet.\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, w, said := newMenu("ord", "gru")
			for typed := range strings.SplitSeq(tt.typed, " ") {
				m.press([]byte(typed))
			}
			if got := strings.Join(w.called, " "); got != tt.called || !strings.HasSuffix(said.String(), tt.said) || tt.said == "" && said.Len() > 0 {
				t.Errorf("did %q, want %q; said %q, want %q", got, tt.called, said, tt.said)
			}
		})
	}
}

func TestWhatFailsIsToldInALine(t *testing.T) {
	m, w, said := newMenu("ord", "gru")
	w.fails = errors.Join(errors.New("no disk"), errors.New("no port"))
	m.press([]byte("s1"))
	if !strings.HasSuffix(said.String(), "stop ord …\nstop ord: no disk; no port\n") {
		t.Errorf("%q", said)
	}
}

func TestTheLastJourneysArePrinted(t *testing.T) {
	m, w, said := newMenu("ord")
	for range 2 * journeysShown {
		w.log.Add(&journey.Record{Start: time.Now(), Method: "GET", Path: "/x"})
	}
	m.press([]byte("j"))
	if n := strings.Count(said.String(), `GET "/x"`); n != journeysShown {
		t.Errorf("%d lines:\n%s", n, said)
	}
}

// TestItFitsATerminal of 80 columns and 24 lines, with more regions than anybody has.
func TestItFitsATerminal(t *testing.T) {
	regions := region.Known()[:20]
	for _, key := range "hscrp" {
		m, _, said := newMenu(regions...)
		m.press([]byte{byte(key)})
		lines := strings.Split(strings.TrimSuffix(said.String(), "\n"), "\n")
		if len(lines) > 23 {
			t.Errorf("%c: %d lines", key, len(lines))
		}
		for _, line := range lines {
			if utf8.RuneCountInString(line) > 80 {
				t.Errorf("%c: too long: %s", key, line)
			}
		}
	}
}

func TestMoreChoicesThanLabels(t *testing.T) {
	m, w, said := newMenu(region.Known()[:38]...)
	m.press([]byte("c"))
	if !strings.Contains(said.String(), "z cut") || !strings.Contains(said.String(), "others: on the page") {
		t.Error(said)
	}
	m.press([]byte("z"))
	if want := "cut " + string(region.Known()[34]); strings.Join(w.called, " ") != want {
		t.Errorf("%q, want %q", w.called, want)
	}
}
