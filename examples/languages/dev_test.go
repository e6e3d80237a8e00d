package languages

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/decision"
	"homing/region"
)

// TestDev runs each example, and one in Go, by "homing dev" in its own folder, as people
// do who have nothing but a clone. Two machines are in each region.
func TestDev(t *testing.T) {
	t.Parallel()
	for _, name := range append([]string{"chi"}, names...) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := devOf(t, name)
			t.Run("a read is answered next door", l.testRead)
			t.Run("a write is replayed", l.testWrite)
			t.Run("a refused write is replayed", l.testRefused)
			t.Run("an author sees the own write", l.testOwnWrite)
			t.Run("two machines share load", l.testShare)
			t.Run("a killed machine costs no GET", func(t *testing.T) { l.testKilled(t, aMachine, here, read, ownRead, visit) })
			t.Run("a killed machine of the primary's region", func(t *testing.T) { l.testKilled(t, aMachine, home, read) })
			if name == "node" {
				t.Run("events and a WebSocket pass, and are replayed", l.testSockets)
				t.Run("nor does a killed app", func(t *testing.T) { l.testKilled(t, anApp, here, read, ownRead, visit) })
			}
			if name == "python" {
				t.Run("the primary moves", l.testPromote)
			}
		})
	}
}

// devOf starts an example by what README.md says.
func devOf(t *testing.T, name string) *local {
	t.Helper()
	args := []string{"--db", "postgres", "--regions", "ord,gru", "--machines", "ord=2,gru=2"}
	if name == "chi" {
		args = append(args, "--", buildChi(t))
	} else {
		args = append(args, "--sidecar")
	}
	l := startDev(t, filepath.Join("..", name), args...)
	l.settle(t)
	return l
}

// settle waits until each machine here reads from the database beside it: one that does
// not know it yet sends reads home.
func (l *local) settle(t *testing.T) {
	t.Helper()
	read := map[string]bool{}
	for patience := time.After(30 * time.Second); len(read) < 2; {
		for _, h := range l.journey(t, l.client(here).get(t, "/links").header).Hops {
			if h.Reason == decision.Read {
				read[h.Machine] = true
			}
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-patience:
			t.Fatalf("these machines read here: %v; the regions are %+v", read, l.state(t).Regions)
		}
	}
}

// Ways of a request from here.
var (
	nextDoor = []region.Code{here}
	replayed = []region.Code{here, home}
)

func (l *local) testRead(t *testing.T) {
	kept := l.client(home).create(t, "read")
	l.arrives(t, kept)
	c := l.client(here)
	for range 3 { // a statement that is used again is prepared
		if got := c.show(t, kept.ID); got != kept {
			t.Errorf("%+v is read as %+v", kept, got)
		}
		l.went(t, c.get(t, "/links").header, nextDoor, decision.Read)
	}
}

func (l *local) testWrite(t *testing.T) {
	a := l.client(here).ask(t, http.MethodPost, "/links", form("written"))
	if a.status != http.StatusCreated {
		t.Errorf("%v", a)
	}
	l.went(t, a.header, replayed, decision.Method)
}

// testRefused follows a link, which is a GET that writes.
func (l *local) testRefused(t *testing.T) {
	kept := l.client(home).create(t, "refused")
	c := l.client(here)
	for range 3 {
		l.arrives(t, kept)
		l.went(t, c.visit(t, "refused").header, replayed, decision.Captured)
		kept.Visits++
		if got := c.show(t, kept.ID); got != kept {
			t.Errorf("%+v is read as %+v", kept, got)
		}
	}
}

// testOwnWrite reads what was written while the replica is held back.
func (l *local) testOwnWrite(t *testing.T) {
	l.turn(t, "hold", here)
	author, other := l.client(here), l.client(here)
	kept := author.create(t, "own")
	path := fmt.Sprintf("/links/%d", kept.ID)
	a := author.get(t, path)
	var got link
	if a.read(t, &got); got != kept {
		t.Errorf("its author sees %v", a)
	}
	l.went(t, a.header, replayed, decision.Stale)
	if a = other.get(t, path); a.status != http.StatusNotFound {
		t.Errorf("somebody else sees %v, and the replica has not got it", a)
	}
	l.turn(t, "release", here)
	l.arrives(t, kept)
	a = author.get(t, path)
	if a.read(t, &got); got != kept {
		t.Errorf("when the replica has it, its author sees %v", a)
	}
	l.went(t, a.header, nextDoor, decision.Reached, decision.Waited)
}

// testShare has many read at the same time: both machines of the region answer.
func (l *local) testShare(t *testing.T) {
	var mu sync.Mutex
	answered := map[string]int{}
	var clients sync.WaitGroup
	for range 40 { // as many as the page remembers
		clients.Go(func() {
			a, err := l.client(here).do(http.MethodGet, "/links", nil)
			if err != nil || a.status != http.StatusOK {
				t.Errorf("a read: %v, %v", a, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			answered[a.header.Get("Fly-Request-Id")]++
		})
	}
	clients.Wait()
	byMachine := map[string]int{}
	for id := range answered {
		j := l.journey(t, http.Header{"Fly-Request-Id": {id}})
		byMachine[j.Hops[len(j.Hops)-1].Machine]++
	}
	for _, m := range l.state(t).region(here).Machines {
		if byMachine[m.ID] == 0 {
			t.Errorf("machine %s answered nobody: %v", m.ID, byMachine)
		}
	}
}

// part is what can be killed: the process that is a machine, or the app that the sidecar
// in it has started.
type part string

const (
	aMachine part = "a machine"
	anApp    part = "an app"
)

// pid is that of a machine, or its app; 0 where nobody tells.
func (l *local) pid(m devMachine, what part) int {
	pid := l.child(l.cmd.Process.Pid, m)
	if what == anApp {
		pid = l.child(pid, m)
	}
	return pid
}

// child is the process that another one has started for a machine, and not the shell
// beside it that ends it if need be.
func (l *local) child(of int, m devMachine) int {
	for _, r := range family(l.cmd.Process.Pid) {
		if r.parent == of && slices.Contains(r.environ(), "FLY_MACHINE_ID="+m.ID) && !strings.Contains(r.String(), "homing-keeper") {
			return r.pid
		}
	}
	return 0
}

// pids are those of a region's machines.
func (l *local) pids(t *testing.T, at region.Code) map[string]int {
	t.Helper()
	all := map[string]int{}
	for _, m := range l.state(t).region(at).Machines {
		all[m.ID] = l.pid(m, aMachine)
	}
	return all
}
