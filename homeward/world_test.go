package homeward_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"homing/decision"
	"homing/edge/misbehave"
	"homing/homeward"
	"homing/position"
)

const (
	secretA = "0123456789abcdef"
	secretB = "fedcba9876543210"
)

func keys(t testing.TB, secrets string) position.Keys {
	t.Helper()
	ks, err := position.ParseKeys(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return ks
}

// leavesNothing must be called first.
func leavesNothing(t testing.TB) { misbehave.LeavesNothing(t) }

// serving is a server with a handler, quiet about what goes wrong on purpose.
func serving(t testing.TB, h http.HandlerFunc) *httptest.Server {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	srv.Start()
	t.Cleanup(srv.Close)
	return srv
}

// newWay leads from gru to url.
func newWay(t testing.TB, url string, change ...func(*homeward.Config)) *homeward.Way {
	t.Helper()
	cfg := homeward.Config{URL: url, From: "gru", Keys: keys(t, secretA)}
	for _, f := range change {
		f(&cfg)
	}
	w, err := homeward.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// errand is what the tests send home for.
var errand = homeward.Errand{To: "ord", Reason: decision.Method}

// sending is a handler that sends all requests home.
func sending(w *homeward.Way) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) { w.Send(rw, r, errand) }
}

// site is a site that sends all home to a primary, and a client of it.
func site(t testing.TB, primary http.HandlerFunc) *httptest.Server {
	return serving(t, sending(newWay(t, serving(t, primary).URL)))
}

// afterReading is a handler that sends home what an app has read of.
func afterReading(w *homeward.Way, app func(io.Reader)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		e := errand
		e.Reason, e.Writes = decision.Captured, true
		if e.Body = w.Keep(rw, r); e.Body != nil {
			defer e.Body.Close()
			app(e.Body.Reader())
		}
		w.Send(rw, r, e)
	}
}

type answer struct {
	*http.Response
	text string
}

// ask sends a request that must be answered, with a body of a known length if there
// is one. head is "Name", "value", …
func ask(t testing.TB, srv *httptest.Server, method, path, body string, head ...string) answer {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	return askWith(t, srv, method, path, reader, head...)
}

func askWith(t testing.TB, srv *httptest.Server, method, path string, body io.Reader, head ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(head); i += 2 {
		if r.Header.Add(head[i], head[i+1]); head[i] == "Host" {
			r.Host = head[i+1]
		}
	}
	res, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil {
		t.Fatal(err)
	}
	return answer{res, text.String()}
}

// zeros is a body of n bytes that costs no memory.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func readAll(r io.Reader) { io.Copy(io.Discard, r) }
