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

// mostFields is how many lines, and values, a head may have whose memory is used again.
const mostFields = 64

// giveBack lets another one have its memory, unless that has grown too large to be kept.
func (a *answer) giveBack() {
	if cap(a.body) > 2*defaultHold || cap(a.head.fields) > mostFields || cap(a.head.values) > mostFields {
		return
	}
	a.head.forget()
	a.body = a.body[:0]
	answers.Put(a)
}

// head is an answer's header as it was when its status was noted. What the handler
// does to the header after that, be it within a line, counts for trailers alone. It is a
// list and not a map, since it is only made and compared.
type head struct {
	fields []field
	values []string // of all fields, one after another
}

type field struct {
	name   string
	values []string
}

func (h *head) note(header http.Header) {
	for name, values := range header {
		f := field{name: name}
		if values != nil {
			before := len(h.values)
			h.values = append(h.values, values...)
			f.values = h.values[before:]
		}
		h.fields = append(h.fields, f)
	}
}

// forget empties it. It would keep alive what an answer said that has left.
func (h *head) forget() {
	clear(h.fields)
	clear(h.values)
	h.fields, h.values = h.fields[:0], h.values[:0]
}

// putBack makes header what was noted. It reports whether the answer has trailers, and
// returns what header was, for them, if it was something else.
func (h *head) putBack(header http.Header) (late http.Header, trailers bool) {
	if h.is(header) {
		return nil, slices.ContainsFunc(h.fields, field.isTrailer)
	}
	for name, values := range header {
		trailers = trailers || field{name, values}.isTrailer()
	}
	if trailers {
		late = maps.Clone(header)
	}
	clear(header)
	for _, f := range h.fields {
		header[f.name] = slices.Clone(f.values) // ours is another answer's soon
	}
	return late, trailers
}

// is reports whether header is still what was noted, as it is for most handlers.
func (h *head) is(header http.Header) bool {
	if len(h.fields) != len(header) {
		return false
	}
	for _, f := range h.fields {
		if values, ok := header[f.name]; !ok || !slices.Equal(values, f.values) {
			return false
		}
	}
	return true
}

// isTrailer reports whether a line announces a trailer, or is one.
func (f field) isTrailer() bool {
	return f.name == "Trailer" && f.values != nil || strings.HasPrefix(f.name, http.TrailerPrefix)
}
