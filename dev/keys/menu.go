package keys

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"homing/dashboard"
)

// menu is what keys mean. One goroutine presses them.
type menu struct {
	world dashboard.World
	page  string
	say   func(text string)
	do    func(dashboard.Choice) // returns at once
	quit  func()
	stop  func() // as Ctrl-Z does; returns when it goes on

	open []dashboard.Choice // what was asked about last, by the order of labels
}

const (
	ctrlZ  = 0x1a
	escape = 0x1b
	// labels are what choices are pressed by.
	labels = "123456789abcdefghijklmnopqrstuvwxyz"
	// mostTyped is how much somebody types between two looks. More was pasted.
	mostTyped = 4
)

// press takes what was typed. What was pasted by mistake must not stop a machine, nor
// what follows Esc in the sequences of keys such as F5.
func (m *menu) press(typed []byte) {
	switch {
	case typed[0] == escape && len(typed) > 1:
		return
	case len(typed) > mostTyped:
		m.open = nil
		m.say("That was pasted, it seems; nothing was done.\n")
		return
	}
	for _, key := range typed {
		if !m.chosen(key) {
			m.begin(key)
		}
	}
}

// chosen reports whether a key answers what was asked. Any other one begins anew.
func (m *menu) chosen(key byte) bool {
	open := m.open
	m.open = nil
	at := strings.IndexByte(labels, key)
	switch {
	case open == nil:
		return false
	case at >= 0 && at < len(open):
		m.do(open[at])
		return true
	case key == escape:
		m.say("Nothing was done.\n")
		return true
	}
	return false
}

// journeysShown leaves room for the log in a small terminal.
const journeysShown = 10

func (m *menu) begin(key byte) {
	switch key {
	case 'h', '?':
		m.say(m.help())
	case 'j':
		lines := dashboard.Lines(m.world, journeysShown)
		if lines == "" {
			lines = "No requests yet.\n"
		}
		m.say(lines)
	case 'q':
		m.say("Ending.\n")
		m.quit()
	case ctrlZ:
		m.stop()
	case '\r', '\n':
		m.say("\n") // many like to part what was from what comes
	default:
		m.ask(key)
	}
}

// ask asks what the actions of a key are to be done to.
func (m *menu) ask(key byte) {
	var verbs []string
	for _, a := range dashboard.Actions() {
		if a.Key == key {
			verbs = append(verbs, a.Verb)
		}
	}
	m.open = dashboard.Choices(m.world, key)
	what := strings.Join(verbs, " or ")
	switch {
	case verbs == nil && key > ' ' && key < 0x7f:
		m.say(fmt.Sprintf("%c is no key here; h shows those that are.\n", key))
	case verbs == nil:
	case m.open == nil:
		m.say("There is nothing to " + what + " here.\n")
	default:
		m.say(question(what, m.open))
	}
}

// width is what a line has room for.
const width = 79

// question lists choices with their labels, in lines that fit a terminal.
func question(what string, choices []dashboard.Choice) string {
	text := strings.ToUpper(what[:1]) + what[1:] + " which?"
	var all []string
	for i, c := range choices[:min(len(choices), len(labels))] {
		all = append(all, fmt.Sprintf("%c %s", labels[i], c))
	}
	if len(choices) > len(labels) {
		all = append(all, "others: on the page")
	}
	used := len(text)
	for _, part := range append(all, "Esc none") {
		if used+3+len(part) > width {
			text, used = text+"\n", 0
		}
		text, used = text+"   "+part, used+3+len(part)
	}
	return text + "\n"
}

// help fits a terminal of 80 columns and 24 lines.
func (m *menu) help() string {
	var text strings.Builder
	line := func(key byte, name, what string) { fmt.Fprintf(&text, "  %c  %-10s %s\n", key, name, what) }
	text.WriteString("Keys; for most, what it is about is asked then:\n")
	last := byte(0)
	for _, a := range dashboard.Actions() {
		key := a.Key
		if key == last {
			key = ' '
		}
		line(key, a.Verb, a.Short)
		last = a.Key
	}
	line('j', "journeys", "Print the last requests, and where each went")
	line('h', "help", "Print this")
	line('q', "quit", "End everything, as Ctrl-C does")
	if m.page != "" {
		fmt.Fprintf(&text, "The same, and more to see: %s\n", m.page)
	}
	return text.String()
}

// carryOut does what was chosen, and says how that went.
func (m *menu) carryOut(ctx context.Context, c dashboard.Choice) {
	m.say(c.String() + " …\n")
	err := c.Do(ctx, m.world, c.Target)
	switch {
	case errors.Is(ctx.Err(), context.Canceled): // it all ends, and says so
	case err != nil:
		m.say(fmt.Sprintf("%s: %s\n", c, strings.ReplaceAll(err.Error(), "\n", "; ")))
	default:
		m.say(c.String() + ": done\n")
	}
}
