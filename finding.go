package homing

import (
	"net/http"
	"sync"

	"homing/homeward"
	"homing/position"
	"homing/primary"
)

// finding is what is found out about a request before and while the app has it. The app
// never sees it, and nobody asks for it after that, so it serves one request after another.
type finding struct {
	told     primary.Place // where the edge says that the primary is
	state    position.State
	replaced bool // the database here was the primary, before another
	writes   bool // by its method or route
	carried  carried
	stamp    homeward.Stamp   // says that it was sent home, and is believed; zero: none
	upload   *homeward.Upload // its body, kept while the app reads it; nil: it is not
}

var findings = sync.Pool{New: func() any { return new(finding) }}

// attend serves a request from its beginning to its end. A handler that panics leaves its
// finding to the garbage collector, which is simpler than to prove that nobody needs it.
func (v *visit) attend(next http.Handler) {
	f := findings.Get().(*finding)
	v.finding = f
	v.serve(next)
	v.finding = nil
	*f = finding{}
	findings.Put(f)
}
