package supervise

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	full := strings.Repeat("x", lineSize)
	for name, tc := range map[string]struct {
		text string
		want []string // "+" at the end of what was cut
	}{
		"nothing":                 {"", nil},
		"lines":                   {"a\nb\n", []string{"a", "b"}},
		"an empty line":           {"a\n\nb\n", []string{"a", "", "b"}},
		"a line without its end":  {"a\nb", []string{"a", "b"}},
		"lines of Windows":        {"a\r\nb\r\n", []string{"a", "b"}},
		"progress":                {"1%\r2%\n", []string{"1%\r2%"}},
		"colours":                 {"\x1b[31mred\x1b[0m\n", []string{"\x1b[31mred\x1b[0m"}},
		"a line of the full size": {full[1:] + "\nb\n", []string{full[1:], "b"}},
		"its end is cut off":      {full + "\nb\n", []string{full + "+", "b"}},
		"a line that is too long": {full + "yz\nb\n", []string{full + "+", "yz", "b"}},
		"much too long":           {full + full + "y", []string{full + "+", full + "+", "y"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			lines(iotest.HalfReader(strings.NewReader(tc.text)), Stdout, func(l Line) {
				if l.Cut {
					l.Text += "+"
				}
				got = append(got, l.Text)
			})
			if !slices.Equal(got, tc.want) {
				t.Errorf("got %.100q, want %.100q", got, tc.want)
			}
		})
	}
}

func TestASlowReaderLosesLinesAndIsTold(t *testing.T) {
	q := newQueue()
	const many = 20_000 // more than there is room for
	for i := range many {
		q.put(Line{Stream: Stdout, Text: fmt.Sprint(i)})
	}
	kept, _ := q.take()
	q.put(Line{Stream: Stdout, Text: "later"})
	for range many {
		q.put(Line{Stream: Stderr, Text: "lost at the end"})
	}
	q.close()
	rest := []Line{}
	q.deliver(func(l Line) { rest = append(rest, l) })
	if len(kept) >= many || len(kept) < 10_000 || kept[len(kept)-1].Text != fmt.Sprint(len(kept)-1) {
		t.Fatalf("%d lines were kept", len(kept))
	}
	want := fmt.Sprintf("%d lines of output were dropped here", many-len(kept))
	if first := rest[0]; first.Stream != Note || !strings.HasPrefix(first.Text, want) || rest[1].Text != "later" {
		t.Errorf("got %v, want %q", rest[:2], want)
	}
	if last := rest[len(rest)-1]; last.Stream != Note {
		t.Errorf("at the end it was told %q", last.Text)
	}
	if last := q.lastLines(); len(last) != lastLines || last[0] != "lost at the end" {
		t.Errorf("the last lines are %q", last)
	}
}

func TestOutputKnowsItsStream(t *testing.T) {
	var got []Line
	p, err := New(Config{Shell: "echo out; echo err >&2; printf part", Output: func(l Line) { got = append(got, l) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	streams := map[string]Stream{}
	for _, l := range got {
		streams[l.Text] = l.Stream
	}
	if want := map[string]Stream{"out": Stdout, "err": Stderr, "part": Stdout}; !reflect.DeepEqual(streams, want) {
		t.Errorf("got %v, want %v", streams, want)
	}
}

// An app that says more than anybody reads ends all the same.
func TestAnAppDoesNotWaitForItsReader(t *testing.T) {
	ended := make(chan struct{})
	note := false
	p, err := New(Config{
		Shell:  `i=0; while [ $i -lt 40000 ]; do echo "a line of output, one of very many: $i"; i=$((i+1)); done; echo ready >&2`,
		OnExit: func(Exit) {},
		Output: func(l Line) {
			<-ended
			note = note || l.Stream == Note
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(ended)
		for now, changed := p.Status(); now.State != Stopping; now, changed = p.Status() {
			<-changed
		}
	}()
	if _, err := p.RunOnce(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !note {
		t.Error("it was not told what was dropped")
	}
}
