package edge_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"homing/journey"
)

// The mix: clients that keep their connections send requests of all kinds one after
// another, each with a name of its own in its path, header and body. Machines check what
// they get against the name, and clients what they get back: nothing of one request may
// be seen in another's, though both were made in the same memory.

// kinds of requests, as the path's first part says.
var kinds = []string{
	"get", "head", "small", "large", "chunks", "early", "expect", "replayed", "length-late", "chunks-late", "refused",
	"trailer", "pipeline", "abort", "half", "upgrade",
}

// ask is one request of the mix.
type ask struct {
	kind, name string
	size       int
}

func (m ask) path() string { return "/" + m.kind + "/" + m.name + "?size=" + strconv.Itoa(m.size) }

// text is a body that no other request has.
func (m ask) text() string {
	return strings.Repeat(m.name+".", m.size/(len(m.name)+1)+1)[:m.size]
}

// answer is what the app says of a body that it has read.
func (m ask) answer() string {
	return fmt.Sprintf("%s %x %s", m.name, sha256.Sum256([]byte(m.text())), m.text())
}

// askOf reads back what a machine was asked for.
func askOf(r *http.Request) ask {
	_, rest, _ := strings.Cut(r.URL.Path, "/")
	kind, name, _ := strings.Cut(rest, "/")
	size, _ := strconv.Atoi(r.URL.Query().Get("size"))
	return ask{kind, name, size}
}

// mixedApp is a machine's app; the one nearby sends on what is to be replayed.
type mixedApp struct {
	t    *testing.T
	near bool
}

func (a mixedApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m := askOf(r)
	if got := r.Header.Get("Name"); got != m.name || r.Header.Get("X-"+m.kind) != m.name {
		a.t.Errorf("%s came with the header %v", m.path(), r.Header)
	}
	if a.near && strings.HasSuffix(m.kind, "-late") {
		a.sendOn(w, m)
		return
	}
	if m.kind == "early" {
		w.Header().Set("Link", m.name)
		w.WriteHeader(http.StatusEarlyHints)
	}
	if m.kind == "upgrade" {
		a.tunnel(w, m)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // of those who break off
	}
	switch {
	case r.Method == "POST" && string(body) != m.text():
		a.t.Errorf("%s came with %d bytes: %.80q", m.path(), len(body), body)
	case a.near && m.kind == "replayed":
		replays("region=ord;state="+m.name)(w, r)
		return
	case !a.near && !strings.Contains(r.Header.Get("Fly-Replay-Src"), "state="+m.name):
		a.t.Errorf("%s was replayed with %q", m.path(), r.Header.Get("Fly-Replay-Src"))
	}
	a.say(w, m)
}

func (a mixedApp) say(w http.ResponseWriter, m ask) {
	w.Header().Set("Name", m.name)
	switch m.kind {
	case "refused":
		w.WriteHeader(http.StatusNotModified)
		return
	case "trailer":
		w.Header().Set("Trailer", "Last")
		defer w.Header().Set("Last", m.name)
	case "abort":
		io.WriteString(w, m.answer())
		w.(http.Flusher).Flush()
	}
	io.WriteString(w, m.answer())
}

// sendOn asks for a replay without having read of the body.
func (a mixedApp) sendOn(w http.ResponseWriter, m ask) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		a.t.Error(err)
		return
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 409 Conflict\r\nFly-Replay: region=ord;state=%s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", m.name)
	io.Copy(io.Discard, conn)
}

func (a mixedApp) tunnel(w http.ResponseWriter, m ask) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		a.t.Error(err)
		return
	}
	defer conn.Close()
	fmt.Fprintf(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo/1\r\nName: %s\r\n\r\n", m.name)
	rw.Flush()
	io.Copy(conn, rw)
}

// TestEachRequestGetsItsOwnAnswer over connections and memory that serve requests of all
// kinds one after another.
func TestEachRequestGetsItsOwnAnswer(t *testing.T) {
	near := serving(t, "near", "ams", mixedApp{t, true}.ServeHTTP)
	home := serving(t, "home", "ord", mixedApp{t, false}.ServeHTTP)
	w := newWorld(t, nil, near, home)
	const clients, each = 4, 150
	all := make([]mixClient, clients)
	var wait sync.WaitGroup
	for i := range all {
		all[i].w = w
		wait.Go(func() {
			chance := rand.New(rand.NewPCG(uint64(i), 1))
			for n := range each {
				m := ask{kinds[chance.IntN(len(kinds))], fmt.Sprintf("c%dn%d", i, n), 1 + chance.IntN(2<<10)}
				if m.kind == "large" {
					m.size += 40 << 10
				}
				if err := all[i].do(m); err != nil {
					t.Error(err)
					return
				}
			}
			if all[i].conn != nil {
				all[i].end()
			}
		})
	}
	wait.Wait()
	told := make(map[string]string) // by path, what clients were told the request's name is
	for i := range all {
		for n, m := range all[i].sent {
			path, _, _ := strings.Cut(m.path(), "?")
			told[path] = all[i].ids[n]
		}
	}
	for len(told) > 0 && !t.Failed() {
		r := w.record()
		id, ok := told[r.Path]
		if !ok {
			continue // of one that broke off, or a tunnel
		}
		delete(told, r.Path)
		wantMixed(t, r, id)
	}
}

// wantMixed checks a record of the mix.
func wantMixed(t *testing.T, r *journey.Record, id string) {
	t.Helper()
	if r.ID != id || r.Code != "" || r.Problem != "" {
		t.Errorf("the client was told %s, and the record is %+v", id, r)
	}
	if strings.HasSuffix(r.Path[:strings.LastIndexByte(r.Path, '/')], "-late") || strings.HasPrefix(r.Path, "/replayed/") {
		wantWay(t, r, "near", "home")
		return
	}
	wantWay(t, r, "near")
}
