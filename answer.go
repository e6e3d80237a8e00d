package homing

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// answer is one that is held. Its memory serves one after another: nobody but the
// [heldWriter] that has taken it ever sees it.
type answer struct {
	head head
	body []byte
}

var answers = sync.Pool{New: func() any { return new(answer) }}

func takeAnswer() *answer { return answers.Get().(*answer) }

// mostFields is how many lines a head may have whose memory is used again.
const mostFields = 64

// giveBack lets another one have its memory, unless that has grown too large to be kept.
func (a *answer) giveBack() {
	if cap(a.body) > 2*defaultHold || cap(a.head) > mostFields {
		return
	}
	clear(a.head) // it would keep alive the values of an answer that has left
	a.head, a.body = a.head[:0], a.body[:0]
	answers.Put(a)
}

// head is an answer's header as it was when its status was noted. What the handler
// does to the header after that counts for trailers alone. It is a list and not a map,
// since it is only made and compared.
type head []field

type field struct {
	name   string
	values []string
}

func (h *head) note(header http.Header) {
	for name, values := range header {
		*h = append(*h, field{name, values})
	}
}

// putBack makes header what was noted. It reports whether the answer has trailers, and
// returns what header was, for them, if it was something else.
func (h head) putBack(header http.Header) (late http.Header, trailers bool) {
	if h.is(header) {
		return nil, slices.ContainsFunc(h, field.isTrailer)
	}
	for name, values := range header {
		trailers = trailers || field{name, values}.isTrailer()
	}
	if trailers {
		late = maps.Clone(header)
	}
	clear(header)
	for _, f := range h {
		header[f.name] = f.values
	}
	return late, trailers
}

// is reports whether header is still what was noted, as it is for most handlers.
func (h head) is(header http.Header) bool {
	if len(h) != len(header) {
		return false
	}
	for _, f := range h {
		if values, ok := header[f.name]; !ok || !same(values, f.values) {
			return false
		}
	}
	return true
}

// same reports whether a and b are one slice.
func same(a, b []string) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// isTrailer reports whether a line announces a trailer, or is one.
func (f field) isTrailer() bool {
	return f.name == "Trailer" && f.values != nil || strings.HasPrefix(f.name, http.TrailerPrefix)
}
