package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/demo/guestbook"
)

// syncBuffer is a buffer that one goroutine writes while another looks.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// demoRun is a demo that runs as the command line started it.
type demoRun struct {
	t           *testing.T
	out, errOut *syncBuffer
	page        string
	interrupt   context.CancelFunc
	ended       chan error
	stop        func() error // interrupts, once, and returns how run ended
}

// patience bounds what would otherwise hang; nothing is expected to come near.
const patience = time.Minute

// startDemo runs "homing demo" with free ports until the test ends.
func startDemo(t *testing.T, args ...string) *demoRun {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d := &demoRun{t: t, out: new(syncBuffer), errOut: new(syncBuffer), interrupt: cancel, ended: make(chan error, 1)}
	out, ready := waitFor(d.out, "Ctrl-C ends it.")
	go func() { d.ended <- run(ctx, append([]string{"demo", "--port", "0"}, args...), out, d.errOut) }()
	d.stop = sync.OnceValue(func() error {
		cancel()
		select {
		case err := <-d.ended:
			return err
		case <-time.After(patience):
			return fmt.Errorf("the demo did not end")
		}
	})
	t.Cleanup(func() {
		if err := d.stop(); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-d.ended:
		d.ended <- err
		t.Fatalf("the demo ended: %v\n%s%s", err, d.out, d.errOut)
	case <-time.After(patience):
		t.Fatalf("the demo is not ready:\n%s%s", d.out, d.errOut)
	}
	d.page = regexp.MustCompile(`See what happens:\s+(\S+)`).FindStringSubmatch(d.out.String())[1]
	return d
}

// waitFor returns a writer to w, and a channel that is closed when text was
// written.
func waitFor(w *syncBuffer, text string) (io.Writer, <-chan struct{}) {
	ready := make(chan struct{})
	var once sync.Once
	return writerFunc(func(p []byte) (int, error) {
		n, err := w.Write(p)
		if strings.Contains(w.String(), text) {
			once.Do(func() { close(ready) })
		}
		return n, err
	}), ready
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

type regionState struct {
	Region  string
	EdgeURL string `json:"edge_url"`
	Role    string
	Running bool
	Waiting int
	Held    bool
	Primary bool
}

type hopState struct {
	Region   string
	Replayed bool
	Reason   string
}

type journeyState struct {
	ID           string
	Method, Path string
	Status       int
	Code         string
	Hops         []hopState
}

// regions asks the page.
func (d *demoRun) regions() map[string]regionState {
	d.t.Helper()
	var list []regionState
	d.fetch("/regions", &list)
	m := map[string]regionState{}
	for _, r := range list {
		m[r.Region] = r
	}
	return m
}

// journey returns the record of the request with this Fly-Request-Id. Its answer
// may arrive before the record is written.
func (d *demoRun) journey(id string) journeyState {
	d.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		var state struct{ Journeys []journeyState }
		d.fetch("/state", &state)
		for _, j := range state.Journeys {
			if j.ID == id {
				return j
			}
		}
	}
	d.t.Fatalf("no record of request %q", id)
	return journeyState{}
}

func (d *demoRun) fetch(path string, v any) {
	d.t.Helper()
	resp, err := http.Get(d.page + path)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		d.t.Fatalf("%s: %v", path, err)
	}
}

// turn operates a switch of the page.
func (d *demoRun) turn(region, what string) {
	d.t.Helper()
	resp, err := http.Post(d.page+"/regions/"+region+"/"+what, "", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		b, _ := io.ReadAll(resp.Body)
		d.t.Fatalf("%s %s: %s: %s", what, region, resp.Status, b)
	}
}

// visitor is somebody in a region with a client of their own.
type visitor struct {
	t      *testing.T
	client *http.Client
	base   string
}

// visitor returns one who keeps cookies, or none.
func (d *demoRun) visitor(region string, cookies bool) *visitor {
	d.t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	d.t.Cleanup(transport.CloseIdleConnections)
	v := &visitor{t: d.t, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if cookies {
		v.client.Jar, _ = cookiejar.New(nil) // never fails without options
	}
	// The name of the region's edge resolves to loopback in browsers and curl;
	// Go asks the system, which may not know it.
	_, port, _ := strings.Cut(strings.TrimPrefix(d.regions()[region].EdgeURL, "http://"), ":")
	v.base = "http://127.0.0.1:" + port
	return v
}

// answer is a response that was read whole.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) id() string { return a.header.Get("Fly-Request-Id") }

func (v *visitor) do(req *http.Request) (answer, error) {
	resp, err := v.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b)}, err
}

func (v *visitor) get(path string) answer {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodGet, v.base+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	a, err := v.do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

func (v *visitor) post(path, kind, body string) (answer, error) {
	req, err := http.NewRequest(http.MethodPost, v.base+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", kind)
	return v.do(req)
}

// write signs the book and reports what went wrong.
func (v *visitor) write(text string) (answer, error) {
	body, err := json.Marshal(map[string]string{"author": "visitor", "text": text})
	if err != nil {
		return answer{}, err
	}
	a, err := v.post("/entries", "application/json", string(body))
	if err == nil && a.status != http.StatusCreated {
		err = fmt.Errorf("writing: status %d: %s", a.status, a.body)
	}
	return a, err
}

func (v *visitor) mustWrite(text string) answer {
	v.t.Helper()
	a, err := v.write(text)
	if err != nil {
		v.t.Fatal(err)
	}
	return a
}

type listing struct {
	Region  string
	Machine string
	Entries []guestbook.Entry
}

// has counts the entries with this text.
func (l listing) has(text string) int {
	n := 0
	for _, e := range l.Entries {
		if e.Text == text {
			n++
		}
	}
	return n
}

func (v *visitor) list() listing {
	v.t.Helper()
	a := v.get("/entries")
	var l listing
	if err := json.Unmarshal([]byte(a.body), &l); err != nil || a.status != http.StatusOK {
		v.t.Fatalf("listing: status %d, %v: %s", a.status, err, a.body)
	}
	return l
}
