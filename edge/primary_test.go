package edge_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/machine"
	"homing/primary"
)

// sendsHome answers as a handler of ours does on a replica whose configuration says
// that the primary is in ord.
func sendsHome(reason string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Homing-Decision", "home;reason="+reason+";role=replica")
		replays("region=ord;state="+reason)(w, r)
	}
}

// placed answers with what it was told of the primary.
func placed(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	io.WriteString(w, r.Header.Get("Homing-Primary")+"|"+string(body))
}

// places is a world with a machine in ams, where requests arrive, and in ord and gru,
// where the primary may be.
func places(t *testing.T, near http.HandlerFunc, change func(*edge.Config)) (*world, *fleet.Fleet) {
	f := fleet.New(distances, serving(t, "near", "ams", near), serving(t, "ord", "ord", placed), serving(t, "gru", "gru", placed))
	return newWorld(t, func(c *edge.Config) {
		c.Fleet = f
		if change != nil {
			change(c)
		}
	}), f
}

// noPrimary has all machines tell that they are none.
func noPrimary(f *fleet.Fleet) {
	for _, id := range []machine.ID{"near", "ord", "gru"} {
		f.SetClaim("web", id, claims(machine.Replica, "1"))
	}
}

func claims(role machine.Role, number string) primary.Claim {
	c := primary.Claim{Role: role}
	c.Epoch = "h:1"
	if number != "1" {
		c.Epoch = "h:2"
	}
	return c
}

func TestHomeIsWhereThePrimaryIsNow(t *testing.T) {
	for _, tt := range []struct {
		name   string
		near   http.HandlerFunc
		claims map[machine.ID]primary.Claim
		want   string
		way    []machine.ID
	}{
		{"nobody claims anything", sendsHome("method"), nil, "|hello", []machine.ID{"near", "ord"}},
		{"some have not told", sendsHome("method"), map[machine.ID]primary.Claim{"near": claims(machine.Replica, "1")}, "|hello", []machine.ID{"near", "ord"}},
		{"it is where the handler thinks", sendsHome("method"), map[machine.ID]primary.Claim{"ord": claims(machine.Primary, "1")},
			"ord;epoch=h%3A1|hello", []machine.ID{"near", "ord"}},
		{"it has moved", sendsHome("captured"), map[machine.ID]primary.Claim{"ord": claims(machine.Primary, "1"), "gru": claims(machine.Primary, "2")},
			"gru;epoch=h%3A2|hello", []machine.ID{"near", "gru"}},
		{"an app that sends it to a region for a reason of its own", replays("region=ord"), map[machine.ID]primary.Claim{"gru": claims(machine.Primary, "2")},
			"gru;epoch=h%3A2|hello", []machine.ID{"near", "ord"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, f := places(t, tt.near, nil)
			for id, c := range tt.claims {
				f.SetClaim("web", id, c)
			}
			if a := w.do("POST", "/", "hello", "Homing-Primary", "forged"); a.body != tt.want {
				t.Errorf("got %+v", a)
			}
			wantWay(t, w.record(), tt.way...)
		})
	}
}

func TestWhatMachinesSayOfThemselvesIsHeard(t *testing.T) {
	f := fleet.New(distances, serving(t, "near", "ams", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Homing-Role", "primary;epoch=h%3A1")
	}))
	w := newWorld(t, func(c *edge.Config) { c.Fleet = f })
	if a := w.do("GET", "/", ""); a.header["Homing-Role"] != nil {
		t.Error("it left the edge")
	}
	if got, want := f.Snapshot().Primary("web"), (primary.Place{Region: "ams", Epoch: "h:1"}); got != want {
		t.Errorf("the primary is %+v, want %+v", got, want)
	}
}

func TestAWriteWaitsForAPrimary(t *testing.T) {
	w, f := places(t, sendsHome("method"), nil)
	noPrimary(f)
	got := make(chan answer, 1)
	go func() { got <- w.do("POST", "/", "hello") }()
	w.eventually("the write waits", func() bool { return w.edge.WaitingForPrimary() == 1 })
	f.SetClaim("web", "gru", claims(machine.Primary, "2"))
	if a := <-got; a.body != "gru;epoch=h%3A2|hello" {
		t.Errorf("got %+v", a)
	}
	wantWay(t, w.record(), "near", "gru")
}

// TestAPrimaryMovesWhileItsMachinesAreAwaited: they are down, and stay so.
func TestAPrimaryMovesWhileItsMachinesAreAwaited(t *testing.T) {
	dead, met := refusing(t, "ord", "ord"), make(chan struct{}, 1000)
	f := fleet.New(distances, serving(t, "near", "ams", sendsHome("method")), dead, serving(t, "gru", "gru", placed))
	f.SetClaim("web", "ord", claims(machine.Primary, "1"))
	w := newWorld(t, func(c *edge.Config) {
		c.Fleet = f
		c.Machines.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if addr == dead.Addr {
				met <- struct{}{}
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		}
	})
	got := make(chan answer, 1)
	go func() { got <- w.do("POST", "/", "hello") }()
	<-met
	f.SetClaim("web", "gru", claims(machine.Primary, "2"))
	if a := <-got; a.body != "gru;epoch=h%3A2|hello" {
		t.Errorf("got %+v", a)
	}
}

func TestWaitingForAPrimaryIsBounded(t *testing.T) {
	for name, change := range map[string]func(*edge.Config){
		"in time":   func(c *edge.Config) { c.PrimaryWait = time.Millisecond },
		"in number": func(c *edge.Config) { c.PrimaryWait, c.PrimaryQueue = time.Hour, 1 },
	} {
		t.Run(name, func(t *testing.T) {
			w, f := places(t, sendsHome("method"), change)
			noPrimary(f)
			first := make(chan answer, 1)
			if name == "in number" {
				go func() { first <- w.do("POST", "/", "first") }()
				w.eventually("one waits", func() bool { return w.edge.WaitingForPrimary() == 1 })
			}
			a := w.do("POST", "/", "hello")
			wantProblem(t, a, 503, "PR03", "no primary now")
			if a.header.Get("Retry-After") == "" {
				t.Error("it is not said when to try again")
			}
			f.SetClaim("web", "gru", claims(machine.Primary, "2"))
			if name == "in number" {
				if a := <-first; a.status != 200 {
					t.Errorf("the one that waited got %+v", a)
				}
			}
		})
	}
}

func TestAClientThatGoesNeedsNoPrimary(t *testing.T) {
	w, f := places(t, sendsHome("method"), func(c *edge.Config) { c.PrimaryWait = time.Hour })
	noPrimary(f)
	c := w.dial()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
	w.eventually("the write waits", func() bool { return w.edge.WaitingForPrimary() == 1 })
	c.Close()
	w.eventually("nobody waits", func() bool { return w.edge.WaitingForPrimary() == 0 })
}

// TestAPrimaryThatIsNoneAnyMore is sent a write before the edge knows, and says so: the
// write waits for the next one. That may be the machine that sent it first.
func TestAPrimaryThatIsNoneAnyMore(t *testing.T) {
	for _, next := range []machine.ID{"gru", "near", "ord"} {
		t.Run(string(next), func(t *testing.T) {
			var f *fleet.Fleet
			near, ord := refusesUntilPrimary(&f, "near"), refusesUntilPrimary(&f, "ord")
			f = fleet.New(distances, serving(t, "near", "ams", near), serving(t, "ord", "ord", ord), serving(t, "gru", "gru", placed))
			noPrimary(f)
			f.SetClaim("web", "ord", claims(machine.Primary, "1"))
			w := newWorld(t, func(c *edge.Config) { c.Fleet = f })
			got := make(chan answer, 1)
			go func() { got <- w.do("POST", "/", "hello") }()
			w.eventually("the write waits", func() bool { return w.edge.WaitingForPrimary() == 1 })
			f.SetClaim("web", next, claims(machine.Primary, "2"))
			at := map[machine.ID]string{"near": "ams", "ord": "ord", "gru": "gru"}[next]
			if a := <-got; a.body != at+";epoch=h%3A2|hello" {
				t.Errorf("got %+v", a)
			}
		})
	}
}

// TestAPrimaryThatIsNoneAnyMoreWhileAMachineHasNotTold: as long as that may be the
// primary, the handler's word counts, but only once.
func TestAPrimaryThatIsNoneAnyMoreWhileAMachineHasNotTold(t *testing.T) {
	var f *fleet.Fleet
	f = fleet.New(distances, serving(t, "near", "ams", sendsHome("method")),
		serving(t, "ord", "ord", refusesUntilPrimary(&f, "ord")), serving(t, "gru", "gru", placed))
	f.SetClaim("web", "near", claims(machine.Replica, "1"))
	w := newWorld(t, func(c *edge.Config) { c.Fleet = f })
	got := make(chan answer, 1)
	go func() { got <- w.do("POST", "/", "hello") }()
	w.eventually("the write waits", func() bool { return w.edge.WaitingForPrimary() == 1 })
	f.SetClaim("web", "gru", claims(machine.Primary, "2"))
	if a := <-got; a.body != "gru;epoch=h%3A2|hello" {
		t.Errorf("got %+v", a)
	}
	wantWay(t, w.record(), "near", "ord", "gru")
}

// refusesUntilPrimary is a machine's handler of ours: it serves what comes home once
// its database says that it is the primary of the new epoch.
func refusesUntilPrimary(f **fleet.Fleet, id machine.ID) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		m, _ := (*f).Snapshot().Machine("web", id)
		if m.Claim == claims(machine.Primary, "2") {
			placed(w, r)
			return
		}
		w.Header().Set("Homing-Role", claims(machine.Replica, "1").String())
		sendsHome("method")(w, r)
	}
}

// TestTwoMachinesWhereThePrimaryIs, of which one has not seen the promotion yet.
func TestTwoMachinesWhereThePrimaryIs(t *testing.T) {
	var f *fleet.Fleet
	late := refusesUntilPrimary(&f, "late")
	f = fleet.New(distances, serving(t, "near", "ams", sendsHome("method")), serving(t, "late", "ord", late), serving(t, "ord", "ord", placed))
	for _, id := range []machine.ID{"near", "late"} {
		f.SetClaim("web", id, claims(machine.Replica, "1"))
	}
	f.SetClaim("web", "ord", claims(machine.Primary, "2"))
	w := newWorld(t, func(c *edge.Config) { c.Fleet = f })
	for range 20 { // between the two, chance decides
		if a := w.do("POST", "/", "hello"); a.body != "ord;epoch=h%3A2|hello" {
			t.Fatalf("got %+v", a)
		}
		if hops := w.record().Hops; len(hops) > 3 {
			t.Fatalf("%d hops: the late one was asked again", len(hops))
		}
	}
}

// TestWaitingForAPrimaryIsNotReachingIt: the hop begins when there is one, and so does
// the time to reach it.
func TestWaitingForAPrimaryIsNotReachingIt(t *testing.T) {
	w, f := places(t, sendsHome("method"), nil)
	noPrimary(f)
	got := make(chan answer, 1)
	go func() { got <- w.do("POST", "/", "hello") }()
	w.eventually("the write waits", func() bool { return w.edge.WaitingForPrimary() == 1 })
	appears := time.Now()
	f.SetClaim("web", "gru", claims(machine.Primary, "2"))
	if a := <-got; a.status != 200 {
		t.Errorf("got %+v", a)
	}
	r := w.record()
	if wantWay(t, r, "near", "gru"); r.Start.Add(r.Hops[1].Start).Before(appears) {
		t.Errorf("the hop began %v after the request, when there was no primary", r.Hops[1].Start)
	}
}
