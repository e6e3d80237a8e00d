package relay

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"time"

	"homing/machine"
	"homing/postgres/meaning"
	"homing/trail"
)

// Of the server's messages.
var looksAtServer = looking(map[byte]int16{
	'E': 512, // ErrorResponse: its SQLSTATE is the third field, and short ones come before
	'C': 64,  // CommandComplete, whose tag is never longer
	'Z': 1,   // ReadyForQuery
	'H': 0,   // CopyOutResponse
	'S': 32,  // ParameterStatus, for in_hot_standby
	'K': 260, // BackendKeyData
})

const idle = 'I' // the transaction status outside of any

// answers hears what the server sends.
type answers struct {
	turns *turns
	judge *judge
	ctx   context.Context
	tell  func(Event)

	self      machine.Role // as the server says of itself
	ready     bool         // the login is over
	status    byte         // of the transaction
	copiesOut bool         // a COPY's data goes to the app: its tag does not say
	told      bool         // that the server goes away
	parted    bool         // it has gone between two turns

	mu  sync.Mutex
	key []byte // that cancels what runs here
}

func (a *answers) heard(kind byte, body []byte, _ bool) {
	switch kind {
	case 'E':
		a.failed(stateOf(body))
	case 'C':
		a.did(string(bytes.TrimRight(body, "\x00")))
	case 'H':
		a.copiesOut = true
	case 'Z':
		a.ready, a.copiesOut = true, false
		if len(body) > 0 {
			a.status = body[0]
		}
		a.turns.ready()
	case 'S':
		a.learned(string(body))
	case 'K':
		a.mu.Lock()
		a.key = bytes.Clone(body)
		a.mu.Unlock()
	}
}

// cancelKey is what the server gave to cancel with; empty before it has.
func (a *answers) cancelKey() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.key
}

// stateOf returns an ErrorResponse's SQLSTATE.
func stateOf(body []byte) string {
	for field := range bytes.SplitSeq(body, []byte{0}) {
		if len(field) > 0 && field[0] == 'C' {
			return string(field[1:])
		}
	}
	return ""
}

// learned takes what a server says of itself, at the login and when it is promoted.
func (a *answers) learned(parameter string) {
	switch parameter {
	case "in_hot_standby\x00on\x00":
		a.self = machine.Replica
	case "in_hot_standby\x00off\x00":
		a.self = machine.Primary
	}
}

// failed judges an error. One that comes unasked, outside of any transaction, is
// nobody's.
func (a *answers) failed(code string) {
	at, busy := a.turns.now()
	switch {
	case !a.ready:
		a.leave(a.judge.unreached(a.ctx, code, a.self), at, code)
	case busy || a.status != idle:
		a.leave(a.judge.failed(a.ctx, code, a.self), at, code)
	case meaning.OfState(code) == meaning.Away:
		a.part()
	}
	a.told = a.told || busy && meaning.OfState(code) == meaning.Away
}

func (a *answers) did(tag string) {
	at, _ := a.turns.now()
	effect := meaning.OfTag(tag)
	if a.copiesOut && strings.HasPrefix(tag, "COPY ") {
		effect = meaning.Unchanged
	}
	a.copiesOut = false
	if effect == meaning.Unchanged && at.hidden {
		effect = meaning.Perhaps
	}
	a.leave(a.judge.did(a.ctx, effect, a.self), at, "")
}

// ended judges that nothing more comes from the server. It reports whether the app may
// not know, since it was not using the connection. left says that the app left first.
func (a *answers) ended(left bool) (unused bool) {
	at, busy := a.turns.end()
	switch {
	case left || a.told:
	case a.parted:
		return true
	case !a.ready:
		a.leave(a.judge.unreached(a.ctx, connectionLost, a.self), at, "")
	case busy || a.status != idle:
		a.leave(a.judge.failed(a.ctx, connectionLost, a.self), at, "")
	default:
		a.part()
		return true
	}
	return false
}

// part is when the server goes away between two turns. It matters when the app uses the
// connection, and its answer to that may come before we have heard the statement: so the
// server is looked at before the app is told, and new requests go elsewhere.
func (a *answers) part() {
	a.parted = true
	a.turns.end()
	a.judge.looked(a.ctx, a.self)
}

const connectionLost = "08006" // connection_failure

func (a *answers) leave(m trail.Mark, at turn, code string) {
	if m != 0 {
		a.tell(Event{Mark: m, Began: at.began, Ended: time.Now(), Code: code})
	}
}
