package languages

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"homing/region"
)

var requests = flag.Int("requests", 250, "how many requests are made while a machine is killed")

// testKilled kills one of a region's two machines, or the app in it, in the middle of
// many requests from here. Requests of the kinds that are spared may be sent again, so each must be
// answered; what else fails gets an honest 502; nothing that was acknowledged is lost,
// and nothing runs twice.
func (l *local) testKilled(t *testing.T, what part, at region.Code, spared ...kind) {
	victim := l.state(t).region(at).Machines[0]
	pid := l.pid(victim, what)
	if pid == 0 {
		t.Skip("nobody tells here which process is a machine")
	}
	c := &crowd{local: l, name: strings.ReplaceAll(string(what)+" killed in "+string(at), " ", "-"), primary: home, counts: map[string]int{}, writes: map[string]int{}}
	c.seed = l.client(home).create(t, c.name)
	l.arrives(t, c.seed)
	c.run(*requests, func() {
		if err := kill(pid); err != nil {
			t.Error(err)
		}
	})
	t.Logf("%d requests, %s in %s killed: %v", *requests, what, at, c.counts)
	c.check(t, spared)
	l.until(t, "the killed one has been replaced", func(s devState) bool {
		r := s.region(at)
		if r.Problem != "" || slices.ContainsFunc(r.Machines, func(m devMachine) bool { return !m.Ready }) {
			return false
		}
		now := l.pid(victim, what)
		return now != pid && now != 0
	})
	l.settle(t)
}

// kind is what a client asks for.
type kind string

const (
	read    kind = "read"     // without a token: it stays here
	ownRead kind = "own read" // of what was just written: it may go home
	write   kind = "write"    // a POST
	visit   kind = "visit"    // a GET that writes
)

var wanted = map[kind]int{read: http.StatusOK, ownRead: http.StatusOK, write: http.StatusCreated, visit: http.StatusFound}

// crowd is many clients here who write and read at the same time, and what came of it.
type crowd struct {
	local *local
	name  string // what the names of its links begin with
	seed  link   // what all visit
	// primary is where the primary is in the end.
	primary region.Code

	mu     sync.Mutex
	counts map[string]int // by kind and answer
	failed []kind         // with an honest 502
	wrong  []string       // answers that nobody should get
	writes map[string]int // by name: how often the link is there at least
	visits int64          // that were acknowledged
}

// run has the crowd make requests, in the middle of which something happens.
func (c *crowd) run(requests int, inTheMiddle func()) {
	var clients sync.WaitGroup
	var next atomic.Int64
	for range 16 {
		clients.Go(func() {
			m := &member{crowd: c, client: c.local.client(here)}
			for n := int(next.Add(1)); n <= requests; n = int(next.Add(1)) {
				if n == requests/2 {
					inTheMiddle()
				}
				m.ask(n)
			}
		})
	}
	clients.Wait()
}

// member is one of a crowd.
type member struct {
	*crowd
	client *client
	turns  int
	last   link // what it has written last
}

// ask makes one request, of another kind each time.
func (m *member) ask(n int) {
	m.turns++
	switch {
	case m.turns%4 == 1:
		m.write(fmt.Sprintf("%s-%d", m.name, n))
	case m.turns%4 == 2 && m.last.ID != 0:
		m.read(ownRead, m.client, m.last)
	case m.turns%4 == 3:
		m.visit()
	default:
		m.read(read, m.local.client(here), m.seed)
	}
}

func (m *member) write(name string) {
	a, err := m.client.do(http.MethodPost, "/links", form(name))
	least := 0
	if m.note(write, a, err) {
		l, err := a.link()
		if err != nil || l.Name != name {
			m.complain("writing %s: %v, %v", name, a, err)
		}
		m.last, least = l, 1
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes[name] = least
}

func (a answer) link() (l link, err error) {
	err = json.Unmarshal([]byte(a.body), &l)
	return l, err
}

func (m *member) read(k kind, c *client, want link) {
	a, err := c.do(http.MethodGet, fmt.Sprintf("/links/%d", want.ID), nil)
	if !m.note(k, a, err) {
		return
	}
	if got, err := a.link(); err != nil || got.ID != want.ID || got.Name != want.Name {
		m.complain("%+v is read as %v, %v", want, a, err)
	}
}

func (m *member) visit() {
	a, err := m.client.do(http.MethodGet, "/go/"+m.name, nil)
	if m.note(visit, a, err) {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.visits++
	}
}

// note counts an answer, and reports whether it is the one that is wanted.
func (c *crowd) note(k kind, a answer, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	code := a.header.Get("Homing-Error")
	switch {
	case err == nil && a.status == wanted[k]:
		c.counts[fmt.Sprintf("%s: %d", k, a.status)]++
		return true
	case err == nil && a.status == http.StatusBadGateway && code != "" && strings.Contains(a.body, code):
		c.counts[fmt.Sprintf("%s: %d %s", k, a.status, code)]++
		c.failed = append(c.failed, k)
	default:
		c.wrong = append(c.wrong, fmt.Sprintf("a %s: %v, %v", k, a, err))
	}
	return false
}

func (c *crowd) complain(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// check compares what was answered with what is there.
func (c *crowd) check(t *testing.T, spared []kind) {
	t.Helper()
	for _, w := range c.wrong {
		t.Error(w)
	}
	unsure := int64(0)
	for _, k := range c.failed {
		if slices.Contains(spared, k) {
			t.Errorf("a %s failed, and might have been sent again", k)
		}
		if k == visit {
			unsure++
		}
	}
	var all []link
	c.local.client(c.primary).get(t, "/links").read(t, &all)
	found := map[string]int{}
	for _, l := range all {
		found[l.Name]++
		if l.Name == c.name && (l.Visits < c.visits || l.Visits > c.visits+unsure) {
			t.Errorf("of %d visits, and %d that nobody is sure of, %d were counted", c.visits, unsure, l.Visits)
		}
	}
	for name, least := range c.writes {
		if found[name] < least || found[name] > 1 {
			t.Errorf("%s was acknowledged %d times, and is there %d times", name, least, found[name])
		}
	}
}
