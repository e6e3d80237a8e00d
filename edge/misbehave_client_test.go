package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/edge"
	. "homing/edge/misbehave" // the table is written in its words
	"homing/fleet"
)

// ledger is an app that counts the requests for each path, and reads each body to
// its end before it answers with the path.
type ledger struct {
	mu    sync.Mutex
	count map[string]int
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.count[r.URL.Path]++
	l.mu.Unlock()
	if r.URL.Path == "/download" {
		for r.Context().Err() == nil {
			io.WriteString(w, long)
		}
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err == nil {
		fmt.Fprint(w, r.URL.Path)
	}
}

// delivered returns how many requests came, and the largest number for one path.
func (l *ledger) delivered() (all, most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for path, n := range l.count {
		if path != "/other" { // another client's
			all += n
		}
		most = max(most, n)
	}
	return all, most
}

var statusLine = regexp.MustCompile(`HTTP/1\.1 (\d{3}) `)

// heardStatuses are the statuses in what a client heard.
func heardStatuses(heard string) string {
	var all []string
	for _, m := range statusLine.FindAllStringSubmatch(heard, -1) {
		all = append(all, m[1])
	}
	return strings.Join(all, " ")
}

const (
	post     = "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
	inChunks = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	last     = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
)

// TestMisbehavingClients has a client do something wrong, and looks at what it is
// told until the edge closes, at what the app gets, and whether anything is left.
func TestMisbehavingClients(t *testing.T) {
	slow := fmt.Sprintf(get, "/a")
	for name, tc := range map[string]struct {
		does      []Step
		heard     string // the statuses of all answers; "any": whatever they are
		delivered int    // requests of which the app has seen the head; -1: whether it has is chance
	}{
		"drips its head":              {[]Step{Drip(slow), Say(last)}, "200 200", 2},
		"drips its body":              {[]Step{Say(fmt.Sprintf(post, "/a", 5)), Drip("hello"), Say(last)}, "200 200", 2},
		"drips its chunks":            {[]Step{Say(inChunks), Drip("2\r\nok\r\n0\r\n\r\n"), Say(last)}, "200 200", 2},
		"connects and says nothing":   {[]Step{Hang()}, "", 0},
		"stops within its head":       {[]Step{Say("GET /a HTTP/1.1\r\nHos"), Hang()}, "408", 0},
		"says headers without end":    {[]Step{Say("GET /a HTTP/1.1\r\nHost: a\r\n"), ForEver("X: y\r\n")}, "431", 0},
		"says one header without end": {[]Step{Say("GET /a HTTP/1.1\r\nHost: a\r\nX: "), ForEver("y")}, "431", 0},
		"says a target without end":   {[]Step{Say("GET /"), ForEver("a")}, "414", 0},
		"says a megabyte of headers":  {[]Step{Say("GET /a HTTP/1.1\r\nHost: a\r\n"), Times(1<<14, "X: "+long[:60]+"\r\n"), Say("\r\n")}, "431", 0},
		"says 10,000 headers":         {[]Step{Say("GET /a HTTP/1.1\r\nHost: a\r\n"), Times(10_000, "X: y\r\n"), Say("\r\n")}, "431", 0},
		// Who closes its half cannot be told from who closes all, and is answered only
		// if the answer comes before that is noticed.
		"closes its half behind its request":   {[]Step{Say(slow), HalfClose()}, "any", -1},
		"closes its half behind its body":      {[]Step{Say(fmt.Sprintf(post, "/a", 5) + "hello"), HalfClose()}, "any", -1},
		"closes its half within its head":      {[]Step{Say("GET /a HTTP/1.1\r\nHo"), HalfClose()}, "400", 0},
		"closes its half within its body":      {[]Step{Say(fmt.Sprintf(post, "/a", 5) + "he"), HalfClose()}, "", -1},
		"closes its half within a chunk":       {[]Step{Say(inChunks + "5\r\nhe"), HalfClose()}, "", -1},
		"resets within its head":               {[]Step{Say("GET /a HTTP/1.1\r\nHo"), Reset()}, "", 0},
		"announces less than it says":          {[]Step{Say(fmt.Sprintf(post, "/a", 2) + "hello\r\n\r\n")}, "200 400", 1},
		"says a request behind its body":       {[]Step{Say(fmt.Sprintf(post, "/a", 2) + "ok" + last)}, "200 200", 2},
		"says a request within its body":       {[]Step{Say(fmt.Sprintf(post, "/a", len(last)) + last + last)}, "200 200", 2},
		"announces more than it says":          {[]Step{Say(fmt.Sprintf(post, "/a", 500) + last), HalfClose()}, "", -1},
		"says a chunk that is none":            {[]Step{Say(inChunks + "2\r\nok\r\nzz\r\n" + last)}, "400", -1},
		"says a chunk larger than numbers":     {[]Step{Say(inChunks + "ffffffffffffffffff\r\n" + last)}, "400", -1},
		"says a chunk longer than its size":    {[]Step{Say(inChunks + "2\r\nokay\r\n0\r\n\r\n" + last)}, "400", -1},
		"frames again in its trailer":          {[]Step{Say(inChunks + "2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n" + last)}, "400", -1},
		"sends 100 requests at once":           {[]Step{Say(numbered(100)), Say(last)}, strings.TrimSpace(strings.Repeat("200 ", 101)), 101},
		"sends the next behind a refused one":  {[]Step{Say("GET /a HTTP/1.1\r\nHost: a!b\r\n\r\n" + last)}, "400", 0},
		"goes on as if it had been upgraded":   {[]Step{Say("GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n" + last)}, "200 200", 2},
		"speaks websocket without an upgrade":  {[]Step{Say("GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x85\x00\x00\x00\x00hello\r\n\r\n")}, "200 400", 1},
		"goes on as if it had HTTP/2":          {[]Step{Say("GET /a HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n" + last)}, "200 200", 2},
		"is told to go on, and says no more":   {[]Step{Say("POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"), HalfClose()}, "any", -1},
		"resets while it waits to be told":     {[]Step{Say("POST /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"), Reset()}, "any", -1},
		"ends a line with LF alone":            {[]Step{Say("GET /a HTTP/1.1\r\nHost: a\nX: y\r\n\r\n" + last)}, "400", 0},
		"says NUL":                             {[]Step{Say("GET /a HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n" + last)}, "400", 0},
		"asks for a tunnel":                    {[]Step{Say("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"), Say(last)}, "any", -1},
		"speaks TLS":                           {[]Step{Say("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + long[:500] + "\r\n\r\n")}, "400", 0},
		"asks for what is on another host":     {[]Step{Say("GET http://b/a HTTP/1.1\r\nHost: a\r\n\r\n" + last)}, "400", 0},
		"asks for the whole of another scheme": {[]Step{Say("GET ftp://a/a HTTP/1.1\r\nHost: a\r\n\r\n" + last)}, "400", 0},
		"speaks a newer HTTP":                  {[]Step{Say("GET /a HTTP/3.0\r\nHost: a\r\n\r\n" + last)}, "505", 0},
		"sends empty lines without end":        {[]Step{ForEver("\r\n")}, "400", 0},
	} {
		t.Run(name, func(t *testing.T) {
			LeavesNothing(t)
			app, w, f := besieged(t)
			c := Dial(t, w.addr)
			go c.Do(tc.does...)
			if got := heardStatuses(c.Heard()); got != tc.heard && tc.heard != "any" {
				t.Errorf("it heard %s, want %s: %.300q", got, tc.heard, c.Heard())
			}
			w.survives(t, f)
			if all, most := app.delivered(); most > 1 || all != tc.delivered && tc.delivered >= 0 {
				t.Errorf("%d requests reached the app, want %d; one of them %d times", all, tc.delivered, most)
			}
		})
	}
}

// TestClientsThatBreakOff waits until the app has the request, so that it breaks off
// there, too.
func TestClientsThatBreakOff(t *testing.T) {
	for name, tc := range map[string]struct {
		says string
		ends Step
	}{
		"resets within its body":            {fmt.Sprintf(post, "/a", 5) + "he", Reset()},
		"closes within its body":            {fmt.Sprintf(post, "/a", 5) + "he", End()},
		"closes its half within its body":   {fmt.Sprintf(post, "/a", 5) + "he", HalfClose()},
		"resets within a chunk":             {inChunks + "5\r\nhe", Reset()},
		"resets within a large body":        {fmt.Sprintf(post, "/a", 4<<20) + long, Reset()},
		"resets within its answer":          {fmt.Sprintf(get, "/download"), Reset()},
		"never reads its answer":            {fmt.Sprintf(get, "/download"), Hang()},
		"never reads, and asks for more":    {fmt.Sprintf(get+get, "/download", "/a"), Hang()},
		"never reads, and has said the end": {fmt.Sprintf(get, "/download"), HalfClose()},
	} {
		t.Run(name, func(t *testing.T) {
			LeavesNothing(t)
			app, w, f := besieged(t)
			c := DialDeaf(t, w.addr)
			c.Do(Say(tc.says))
			w.eventually("the app has it", func() bool { all, _ := app.delivered(); return all == 1 })
			go c.Do(tc.ends)
			if r := w.record(); !strings.Contains(r.Problem, "the client went away") || r.Code != "" {
				t.Errorf("recorded as %s %s", r.Code, r.Problem)
			}
			w.survives(t, f)
			if all, most := app.delivered(); all != 1 || most != 1 {
				t.Errorf("%d requests reached the app", all)
			}
		})
	}
}

// numbered are so many requests, each for another path.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, get, fmt.Sprint("/", i))
	}
	return b.String()
}

// besieged is a world whose clients have little time, and its app.
func besieged(t *testing.T) (*ledger, *world, *fleet.Fleet) {
	app := &ledger{count: make(map[string]int)}
	f := fleet.New(nil, serving(t, "m", "ams", app.ServeHTTP))
	w := newWorld(t, func(c *edge.Config) { c.Fleet = f })
	w.hurry(200*time.Millisecond, 200*time.Millisecond, 100*time.Millisecond)
	return app, w, f
}

// survives checks that others are served, and that nothing is held.
func (w *world) survives(t *testing.T, f *fleet.Fleet) {
	t.Helper()
	if got := w.talk("GET /other HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"); verdictOf(got) != "200" {
		t.Errorf("another client got %q", got)
	}
	holdsNothing(w, f)
}
