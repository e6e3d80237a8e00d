package dashboard_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// listener reads the events of one page, inside a synctest bubble.
type listener struct {
	t     *testing.T
	lines *bufio.Reader
	leave context.CancelFunc
	pipe  *io.PipeReader
	ended chan struct{} // closed when the handler returns
}

// pipeResponse is a response whose body can be read while it is written.
type pipeResponse struct {
	*io.PipeWriter
	header http.Header
}

func (p *pipeResponse) Header() http.Header { return p.header }
func (p *pipeResponse) WriteHeader(int)     {}
func (p *pipeResponse) Flush()              {}

func listen(t *testing.T, w *fakeWorld) *listener {
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, "GET", "/events", nil)
	r.Host = host
	pr, pw := io.Pipe()
	l := &listener{t: t, lines: bufio.NewReader(pr), leave: leave, pipe: pr, ended: make(chan struct{})}
	h := newPage(w)
	go func() {
		defer close(l.ended)
		h.ServeHTTP(&pipeResponse{pw, make(http.Header)}, r)
	}()
	t.Cleanup(func() {
		l.leave()
		l.pipe.Close() // in case it is in the middle of an event
		<-l.ended
	})
	return l
}

// next returns the next event, or comment or setting as its only line.
func (l *listener) next() (event, data string) {
	l.t.Helper()
	for {
		line, err := l.lines.ReadString('\n')
		if err != nil {
			l.t.Fatal(err)
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "":
			return event, data
		case strings.HasPrefix(line, "event: "):
			event = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			data = line[len("data: "):]
		default:
			event = line
		}
	}
}

// want reads the next event, which must be of this name.
func (l *listener) want(name string) string {
	l.t.Helper()
	event, data := l.next()
	if event != name {
		l.t.Fatalf("event %q with %s, want %q", event, data, name)
	}
	return data
}

// paths reads an event "journeys" and returns the paths in it.
func (l *listener) paths() string {
	l.t.Helper()
	var list []struct{ Path string }
	if err := json.Unmarshal([]byte(l.want("journeys")), &list); err != nil {
		l.t.Fatal(err)
	}
	paths := make([]string, len(list))
	for i, j := range list {
		paths[i] = j.Path
	}
	return strings.Join(paths, " ")
}

// begin reads what comes on connecting.
func (l *listener) begin() (paths string) {
	l.t.Helper()
	l.want("retry: 1000")
	l.want("regions")
	return l.paths()
}

func TestEventsBeginWithWhatThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.add("/a")
		w.add("/b")
		if got := listen(t, w).begin(); got != "/a /b" {
			t.Errorf("journeys %q", got)
		}
		if got := listen(t, newWorld()).begin(); got != "" {
			t.Errorf("journeys %q where there are none", got)
		}
	})
}

func TestEventsBringNewJourneysAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := listen(t, w)
		l.begin()
		synctest.Wait()
		start := time.Now()
		w.add("/a")
		if got := l.paths(); got != "/a" || time.Since(start) != 0 {
			t.Errorf("%q after %v", got, time.Since(start))
		}
	})
}

func TestEventsOfALoadComeTogetherAndAreTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := listen(t, w)
		l.begin()
		synctest.Wait()
		w.add("/first")
		if got := l.paths(); got != "/first" {
			t.Fatal(got)
		}
		start := time.Now()
		for i := range 70 {
			w.add(fmt.Sprintf("/%d", i))
		}
		got := strings.Fields(l.paths())
		if len(got) != 50 || got[0] != "/20" || got[49] != "/69" || time.Since(start) > 100*time.Millisecond {
			t.Errorf("%v after %v", got, time.Since(start))
		}
	})
}

func TestEventsBringRegionsWhenTheyChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := listen(t, w)
		l.begin()
		for waiting := range 3 {
			time.Sleep(10 * time.Second) // of the bubble's time: nothing changes, nothing comes
			w.setWaiting(10 + waiting)
			start := time.Now()
			event, data := l.next()
			if strings.HasPrefix(event, ":") {
				event, data = l.next()
			}
			if event != "regions" || !strings.Contains(data, fmt.Sprintf(`"waiting":%d,`, 10+waiting)) || time.Since(start) > 250*time.Millisecond {
				t.Errorf("%s %s after %v", event, data, time.Since(start))
			}
		}
	})
}

func TestEventsSayThatTheyAreAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, newWorld())
		l.begin()
		start := time.Now()
		l.want(": alive")
		if took := time.Since(start); took != 15*time.Second {
			t.Errorf("after %v", took)
		}
	})
}

// The bubble fails if a goroutine is left.
func TestEventsEndWhenTheClientLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, newWorld())
		l.begin()
		l.leave()
		<-l.ended
	})
}

func TestEventsEndWhenTheClientCannotBeWrittenTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		l := listen(t, w)
		l.begin()
		l.pipe.Close()
		w.add("/a")
		<-l.ended
	})
}

// serve starts a real server; returned is a stream that has begun.
func serve(t *testing.T, w *fakeWorld) (*httptest.Server, *http.Response, <-chan struct{}) {
	page, ended := newPage(w), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		page.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	answer, err := s.Client().Get(s.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Errorf("content type %q", kind)
	}
	lines := bufio.NewReader(answer.Body)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "event: journeys\n" {
			return s, answer, ended
		}
	}
}

func TestOverAConnectionEventsEndWithTheClient(t *testing.T) {
	_, answer, ended := serve(t, newWorld())
	answer.Body.Close()
	<-ended
}

func TestOverAConnectionEventsEndWithTheServer(t *testing.T) {
	s, _, ended := serve(t, newWorld())
	if err := s.Config.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-ended
}
