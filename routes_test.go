package homing

import (
	"net/http/httptest"
	"testing"

	"homing/observe"
)

func TestRoutesWrite(t *testing.T) {
	rt, err := newRoutes([]string{"GET /logout", "/carts/{id}/touch", "GET example.com/ping"}, []string{"POST /search", "/rpc/"}, observe.NamesInGo())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method, target string
		want           bool
	}{
		{"GET", "/", false}, {"HEAD", "/", false}, {"OPTIONS", "/", false}, {"TRACE", "/", false},
		{"POST", "/", true}, {"PUT", "/", true}, {"PATCH", "/", true}, {"DELETE", "/", true}, {"PROPFIND", "/", true},
		{"get", "/", true}, // methods have a case (RFC 9110 §9.1): this is none that we know
		{"GET", "/logout", true}, {"HEAD", "/logout", true}, {"GET", "/logout/now", false},
		{"POST", "/search", false}, {"PUT", "/search", true}, {"GET", "/search", false},
		{"POST", "/rpc/List", false}, {"POST", "/rpc", true}, // the mux would redirect it
		{"GET", "/carts/7/touch", true}, {"GET", "/carts/7", false},
		{"GET", "http://example.com/ping", true}, {"GET", "http://example.org/ping", false},
		{"GET", "/a/../logout", false}, // not yet the path that the app's mux will redirect to
	} {
		if got := rt.writes(httptest.NewRequest(tt.method, tt.target, nil)); got != tt.want {
			t.Errorf("%s %s: writes %v, want %v", tt.method, tt.target, got, tt.want)
		}
	}
}

func TestIsLocal(t *testing.T) {
	for _, tt := range []struct {
		method, target string
		want           bool
	}{
		{"GET", "/static/a.css", true}, {"HEAD", "/assets/x/y.js", true}, {"GET", "/favicon.ico", true}, {"GET", "/up", true},
		{"GET", "/healthz", true}, {"GET", "/health/deep", false}, {"GET", "/upload", false}, {"GET", "/static", false},
		{"POST", "/healthz", false}, {"POST", "/static/a", false}, {"GET", "/x/static/a", false}, {"OPTIONS", "/static/a", false},
	} {
		if got := isLocal(httptest.NewRequest(tt.method, tt.target, nil)); got != tt.want {
			t.Errorf("%s %s: local %v, want %v", tt.method, tt.target, got, tt.want)
		}
	}
}
