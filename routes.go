package homing

import (
	"fmt"
	"net/http"
	"strings"

	"homing/observe"
)

// routes tells by method and path which requests write.
type routes struct{ marked *http.ServeMux } // nil: no routes are marked

// mark is what a marked route is; it stands in the mux in a handler's place.
type mark bool

const (
	reads  mark = false
	writes mark = true
)

func (mark) ServeHTTP(http.ResponseWriter, *http.Request) {}

// newRoutes reads patterns of [http.ServeMux]. names are for the error.
func newRoutes(writeRoutes, readRoutes []string, names observe.Names) (routes, error) {
	if len(writeRoutes)+len(readRoutes) == 0 {
		return routes{}, nil
	}
	mux := http.NewServeMux()
	for _, list := range []struct {
		name     string
		patterns []string
		mark     mark
	}{{names.WriteRoutes, writeRoutes, writes}, {names.ReadRoutes, readRoutes, reads}} {
		for _, p := range list.patterns {
			if err := register(mux, p, list.mark); err != nil {
				return routes{}, fmt.Errorf("homing: %s: %w", list.name, err)
			}
		}
	}
	return routes{marked: mux}, nil
}

// register turns the mux's panic, on a bad or conflicting pattern, into an error.
func register(mux *http.ServeMux, pattern string, m mark) (err error) {
	defer func() {
		if p := recover(); p != nil {
			text, _, _ := strings.Cut(fmt.Sprint(p), "\n")
			err = fmt.Errorf("%q: %s", pattern, text)
		}
	}()
	mux.Handle(pattern, m)
	return nil
}

// writes reports whether the request is one that writes, as far as its method
// and path tell.
func (rt routes) writes(r *http.Request) bool {
	if rt.marked != nil {
		if h, _ := rt.marked.Handler(r); h != nil {
			if m, ok := h.(mark); ok {
				return bool(m)
			}
		}
	}
	return !isSafe(r.Method)
}

// isSafe reports whether a method promises not to write (RFC 9110 §9.2.1).
func isSafe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

// localPaths are answered where they arrive: files that no write changes, and
// health checks, which ask about this machine and no other. A name that ends in
// "/" stands for all below it.
var localPaths = []string{
	"/static/", "/assets/", "/favicon.ico", "/robots.txt",
	"/health", "/healthz", "/livez", "/readyz", "/up",
}

// isLocal reports whether a request is never sent anywhere else. Other folders
// of files are not guessed at: an upload may have changed them.
func isLocal(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	for _, p := range localPaths {
		if r.URL.Path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(r.URL.Path, p) {
			return true
		}
	}
	return false
}
