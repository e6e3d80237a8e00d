package relay

import (
	"bytes"

	"homing/postgres/meaning"
)

// mostText is how much of a statement is read; what changes nothing up to there may
// do so later.
const mostText = 8 << 10

// Of the app's messages. Others that only go on with what these began are passed
// over; passwords ('p') are not looked at.
var looksAtApp = looking(map[byte]int16{
	'Q': mostText, 'P': mostText, 'B': mostText, // Query, Parse, Bind
	'E': 0, 'D': 0, 'C': 0, 'H': 0, // Execute, Describe, Close, Flush
	'S': 0, 'F': 0, // Sync, FunctionCall
	'c': 0, 'f': 0, // CopyDone, CopyFail
	'X': 0, // Terminate
})

// asks hears what the app sends.
type asks struct {
	turns    *turns
	prepared hiding
	copied   bool // a COPY's data ended, and nothing was asked since
	left     bool // the app has said goodbye
	unheard  bool // the app has asked when there was no server any more
}

func (a *asks) heard(kind byte, body []byte, whole bool) {
	copied := a.copied
	a.copied = kind == 'c' || kind == 'f'
	switch kind {
	case 'c', 'f':
	case 'X':
		a.left = true
	case 'S':
		// The server overlooks the Sync that was sent before a COPY's data, so that
		// the one after them ends the same turn.
		if copied && a.turns.isSettled() {
			return
		}
		a.say(false)
		a.turns.done()
	case 'Q':
		a.say(hidesChange(body, whole))
		a.turns.done()
	case 'F':
		a.say(false)
		a.turns.done()
	case 'P':
		a.say(a.prepared.parse(body, whole))
	case 'B':
		a.say(a.prepared.bind(body))
	default:
		a.say(false)
	}
}

func (a *asks) say(hidden bool) {
	if !a.turns.said(hidden) {
		a.unheard = true
	}
}

// hidesChange reads the text that body begins with. Of a text that is not all here, the
// rest is taken to name a change, where that would matter.
func hidesChange(body []byte, whole bool) bool {
	text, _, ends := bytes.Cut(body, []byte{0})
	if !ends && !whole {
		return meaning.HidesChange(string(text) + " insert")
	}
	return meaning.HidesChange(string(text))
}

// hiding remembers which prepared statements may change more than their tags say. It
// is bounded: with too many of them every other counts as one, too.
type hiding struct {
	names map[string]struct{}
	all   bool
}

const mostHiding = 256

// parse notes a statement, and reports whether it hides something.
func (h *hiding) parse(body []byte, whole bool) bool {
	name, text, _ := bytes.Cut(body, []byte{0})
	hides := hidesChange(text, whole)
	switch {
	case !hides:
		delete(h.names, key(name))
	case len(h.names) == mostHiding:
		h.all = true
	default:
		if h.names == nil {
			h.names = map[string]struct{}{}
		}
		h.names[key(name)] = struct{}{}
	}
	return hides
}

// bind reports whether the statement that is bound to a portal hides something.
func (h *hiding) bind(body []byte) bool {
	_, rest, _ := bytes.Cut(body, []byte{0})
	name, _, _ := bytes.Cut(rest, []byte{0})
	_, hides := h.names[key(name)]
	return hides || h.all
}

// key is what the server tells statements apart by.
func key(name []byte) string {
	const most = 63 // NAMEDATALEN without the end
	return string(name[:min(len(name), most)])
}
