// Package decision holds the words for what a handler decided about a request,
// and why: serve it here, or send it home to the primary. The handler writes
// them, the edge in front reads them from a response header that never leaves
// it, and the log and the page show them.
//
//	Homing-Decision: serve;reason=waited;role=replica;wanted=0b;found=0b;waited=1200
package decision

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"homing/machine"
	"homing/position"
)

// Reason says in one word why a request was served where it was, or sent home.
// For a request sent home it is also the state of the replay.
type Reason string

// Why a request is served here.
const (
	Off      Reason = "off"      // no regions are configured
	Primary  Reason = "primary"  // the local database is the primary
	Local    Reason = "local"    // a static file or a health check: never sent anywhere
	Read     Reason = "read"     // a replica, and a client that has no write to see
	Reached  Reason = "reached"  // a replica that already has what the client wrote
	Waited   Reason = "waited"   // a replica that got it while the client waited
	Nowhere  Reason = "nowhere"  // should have gone home, but nobody could take it there
	Returned Reason = "returned" // came home and found no primary: a loop was cut
)

// Why a request is sent home.
const (
	Method    Reason = "method"    // it writes, by its method or route
	Captured  Reason = "captured"  // the database refused a write
	Conflict  Reason = "conflict"  // the replica cancelled or could not serve a read
	Down      Reason = "down"      // no replica to read here
	Stale     Reason = "stale"     // the replica has not got what the client wrote
	Threshold Reason = "threshold" // the client wrote within the time window
	Missing   Reason = "missing"   // a record was missing just after a write
	Asked     Reason = "asked"     // its handler asked for it
	Replaced  Reason = "replaced"  // the database here was the primary, and another has taken its place
)

var words = map[Reason]string{
	Off:       "no regions are configured, so the app answers as it always did",
	Primary:   "the primary is here",
	Local:     "a static file or a health check is always answered where it arrives",
	Read:      "a read, and this client has no recent write to see",
	Reached:   "the replica already had what this client wrote",
	Waited:    "waited until what this client wrote had arrived",
	Nowhere:   "belongs at the primary, and nobody in front could take it there",
	Returned:  "came home and found no primary here",
	Method:    "it may write, by its method or route",
	Captured:  "the database refused a write, so the answer was dropped",
	Conflict:  "the replica could not serve this read, so the answer was dropped",
	Down:      "there is no replica to read here",
	Stale:     "what this client wrote has not arrived here in time",
	Threshold: "this client wrote a moment ago, and its position is not known",
	Missing:   "a record was missing just after this client wrote",
	Asked:     "its handler asked to run at the primary",
	Replaced:  "the database here was the primary, and another has taken its place",
}

// Reasons returns all that there are, in the order of the alphabet.
func Reasons() []Reason { return slices.Sorted(maps.Keys(words)) }

// Words explains the reason in a clause, without a full stop.
func (r Reason) Words() string {
	if w, ok := words[r]; ok {
		return w
	}
	return string(r)
}

// IsHome reports whether a request with this reason is sent home.
func (r Reason) IsHome() bool {
	switch r {
	case Method, Captured, Conflict, Down, Stale, Threshold, Missing, Asked, Replaced:
		return true
	}
	return false
}

// Decision is what was decided about one request on one machine. The zero value
// means that nothing is known.
type Decision struct {
	Reason Reason
	Role   machine.Role // of the local database
	// Wanted is the newest position that the client's tokens asked for, Found
	// what the local database had when that was decided. Empty: not asked.
	Wanted, Found position.Position
	Waited        time.Duration // for the position; microseconds on the wire
}

// Action is "serve" or "home".
func (d Decision) Action() string {
	if d.Reason.IsHome() {
		return "home"
	}
	return "serve"
}

// String writes the header's value.
func (d Decision) String() string { return string(d.Append(make([]byte, 0, 128))) }

// Append appends what String returns.
func (d Decision) Append(b []byte) []byte {
	b = append(b, d.Action()...)
	b = append(b, ";reason="...)
	b = append(b, d.Reason...)
	b = append(b, ";role="...)
	b = append(b, d.Role.String()...)
	if d.Wanted != "" {
		b = append(b, ";wanted="...)
		b = position.AppendEscaped(b, string(d.Wanted))
		b = append(b, ";found="...)
		b = position.AppendEscaped(b, string(d.Found))
	}
	if d.Waited > 0 {
		b = append(b, ";waited="...)
		b = strconv.AppendInt(b, d.Waited.Microseconds(), 10)
	}
	return b
}

// maxHeader bounds what Parse reads: two positions of a token's length, each byte
// of which may be escaped to three, and the words around them.
const maxHeader = 8 * position.MaxTokenLen

// Parse reads what String wrote. Unknown fields and reasons are kept or ignored
// without an error, since a machine may run a newer version than the edge.
func Parse(header string) (Decision, error) {
	if len(header) > maxHeader {
		return Decision{}, errors.New("decision: too long")
	}
	action, rest, _ := strings.Cut(header, ";")
	if action != "serve" && action != "home" {
		return Decision{}, errors.New(`decision: want "serve" or "home" first`)
	}
	var d Decision
	for field := ""; rest != ""; {
		field, rest, _ = strings.Cut(rest, ";")
		name, value, _ := strings.Cut(field, "=")
		if err := d.set(name, value); err != nil {
			return Decision{}, fmt.Errorf("decision: %s: %w", name, err)
		}
	}
	return d, nil
}

func (d *Decision) set(name, value string) error {
	switch name {
	case "reason":
		d.Reason = Reason(value)
	case "role":
		d.Role = machine.ParseRole(value)
	case "wanted", "found":
		s, err := url.QueryUnescape(value)
		if err != nil {
			return err
		}
		if name == "wanted" {
			d.Wanted = position.Position(s)
		} else {
			d.Found = position.Position(s)
		}
	case "waited":
		us, err := strconv.ParseInt(value, 10, 48)
		if err != nil || us < 0 {
			return errors.New("want microseconds")
		}
		d.Waited = time.Duration(us) * time.Microsecond
	}
	return nil
}
