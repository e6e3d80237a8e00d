package homing

import (
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
	s := newSite(b, Config{Env: replicaIn(), Secret: "0123456789abcdef", Database: newDB(machine.Replica, "5")})
	r := request("GET", "/", head...)
	b.ReportAllocs()
	for b.Loop() {
		v := visit{site: s, w: silent{}, r: r}
		v.told = s.primaryOf(r)
		v.state, v.replaced = s.state(v.told)
		v.writes = s.routes.writes(r)
		v.carried = readTokens(r.Header, s.keys)
		if d := v.decide(); d.Reason.IsHome() {
			b.Fatal(d)
		}
	}
}

func BenchmarkDecideWithoutToken(b *testing.B) {
	benchmarkDecide(b, "Cookie", "session=abc; theme=dark")
}

func BenchmarkDecideReached(b *testing.B) {
	env := replicaIn("HOMING_SECRET", "0123456789abcdef")
	t, err := (position.Keys{}).Open(token("5"))
	if err != nil {
		b.Fatal(err)
	}
	benchmarkDecide(b, "Cookie", "session=abc; "+cookie("a", sealedBy(env.Keys, t)))
}

func BenchmarkHeldAnswer(b *testing.B) {
	for _, n := range []int{200, 16 << 10} {
		page := make([]byte, n)
		next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(page) })
		s := newSite(b, Config{Env: replicaIn(), Database: newDB(machine.Replica, "5")})
		for _, bm := range []struct {
			name string
			h    http.Handler
		}{{"plain", next}, {"held", s.Handler(next)}} {
			b.Run(fmt.Sprintf("%s/%d", bm.name, n), func(b *testing.B) {
				r := request("GET", "/")
				w := silent{http.Header{}}
				b.ReportAllocs()
				for b.Loop() {
					clear(w.h)
					bm.h.ServeHTTP(w, r)
				}
			})
		}
	}
}
