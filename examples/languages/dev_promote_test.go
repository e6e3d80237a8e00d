package languages

import (
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"

	"homing/decision"
	"homing/region"
)

// testPromote moves the primary here while clients in both regions write and read:
// nothing fails, or is lost, or kept twice. The machines here go on as they are.
func (l *local) testPromote(t *testing.T) {
	machines := l.pids(t, here)
	c := &crowd{local: l, name: "moved", primary: here, counts: map[string]int{}, writes: map[string]int{}}
	begun, stop := make(chan struct{}, 100), make(chan struct{})
	var clients sync.WaitGroup
	for n := range 8 {
		at := []region.Code{here, home}[n%2]
		clients.Go(func() {
			m := &member{crowd: c, client: l.client(at)}
			for i := 0; m.pair(fmt.Sprintf("moved-%d-%d", n, i)); i++ {
				if i == 0 {
					begun <- struct{}{}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 8 {
		<-begun
	}
	l.turn(t, "promote", here)
	close(stop)
	clients.Wait()
	t.Logf("while the primary moved: %v", c.counts)
	c.check(t, []kind{write, ownRead})
	if now := l.pids(t, here); !maps.Equal(now, machines) {
		t.Errorf("the machines were %v, and are now %v", machines, now)
	}

	author := l.client(here)
	a := author.ask(t, http.MethodPost, "/links", form("after"))
	l.went(t, a.header, nextDoor, decision.Primary)
	a = l.client(home).ask(t, http.MethodPost, "/links", form("after-from-afar"))
	l.went(t, a.header, []region.Code{home, here}, decision.Method)
}

// pair writes, and reads that back. It reports whether there was an answer.
func (m *member) pair(name string) bool {
	m.write(name)
	m.mu.Lock()
	fine := m.writes[name] == 1
	m.mu.Unlock()
	if fine {
		m.read(ownRead, m.client, m.last)
	}
	return fine
}
