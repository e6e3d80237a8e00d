package homing

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"homing/machine"
	"homing/position"
)

// silent is a [http.ResponseWriter] that costs nothing.
type silent struct{ h http.Header }

func (s silent) Header() http.Header       { return s.h }
func (silent) WriteHeader(int)             {}
func (silent) Write(p []byte) (int, error) { return len(p), nil }

func benchmarkDecide(b *testing.B, head ...string) {
	s := newSite(b, Config{Env: replicaIn(), Secret: benchSecret, Database: newDB(machine.Replica, "5")})
	r := request("GET", "/", head...)
	v := &visit{site: s, w: silent{}, r: r, finding: new(finding)} // its memory is the answer's, see BenchmarkRead
	b.ReportAllocs()
	for b.Loop() {
		v.carried = carried{}
		v.told = s.primaryOf(r)
		v.state, v.replaced = s.state(v.told)
		v.writes = s.routes.writes(r)
		v.carried.read(r.Header, s.keys)
		if d := v.decide(); d.Reason.IsHome() {
			b.Fatal(d)
		}
	}
}

func BenchmarkDecideWithoutToken(b *testing.B) {
	benchmarkDecide(b, "Cookie", "session=abc; theme=dark")
}

func BenchmarkDecideReached(b *testing.B) {
	env := replicaIn("HOMING_SECRET", benchSecret)
	t, err := (position.Keys{}).Open(token("5"))
	if err != nil {
		b.Fatal(err)
	}
	benchmarkDecide(b, "Cookie", "session=abc; "+cookie("a", sealedBy(env.Keys, t)))
}

// BenchmarkHeldAnswer is an answer that is held whole until its handler is done, against
// the same handler alone.
func BenchmarkHeldAnswer(b *testing.B) {
	for _, n := range []int{1 << 10, 64 << 10} {
		benchmarkAnswer(b, fmt.Sprintf("held %d KiB", n>>10), make([]byte, n))
	}
}

// BenchmarkRead is all that a read pays here which is answered at once: the decision, and
// an answer of 1 KiB that is held, against the same handler alone.
func BenchmarkRead(b *testing.B) {
	page := make([]byte, 1<<10)
	mine := cookie("a", sealedBy(replicaIn("HOMING_SECRET", benchSecret).Keys, position.Token{Engine: "fake", Epoch: "e1", Position: "5"}))
	benchmarkAnswer(b, "without a token", page, "Cookie", "session=abc; theme=dark")
	benchmarkAnswer(b, "with a token", page, "Cookie", "session=abc; "+mine)
}

// BenchmarkReadAsked is BenchmarkRead for a handler that asks how long its request lasts,
// as one does that queries a database.
func BenchmarkReadAsked(b *testing.B) {
	page := make([]byte, 1<<10)
	benchmarkHandler(b, "without a token", func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Done() == nil {
			b.Error("it lasts for ever")
		}
		w.Header()["Content-Type"] = plainText
		w.Write(page)
	})
}

const benchSecret = "0123456789abcdef"

func benchmarkAnswer(b *testing.B, name string, page []byte, head ...string) {
	benchmarkHandler(b, name, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = plainText
		w.Write(page)
	}, head...)
}

func benchmarkHandler(b *testing.B, name string, next http.HandlerFunc, head ...string) {
	s := newSite(b, Config{Env: replicaIn(), Secret: benchSecret, Database: newDB(machine.Replica, "5")})
	for _, bm := range []struct {
		name string
		h    http.Handler
	}{{"plain", next}, {"homing", s.Handler(next)}} {
		b.Run(name+"/"+bm.name, func(b *testing.B) {
			ctx, cancel := context.WithCancel(b.Context()) // as net/http has one for each request
			defer cancel()
			r, w := request("GET", "/", head...).WithContext(ctx), silent{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.h)
				bm.h.ServeHTTP(w, r)
			}
		})
	}
}

var plainText = []string{"text/plain"} // so that the handler alone allocates nothing
