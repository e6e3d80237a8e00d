package edge_test

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"

	"homing/edge"
	"homing/fleet"
	"homing/journey"
)

// Two machines of one app: the one near the client sends writes home.
func Example() {
	near := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Fly-Replay", "region=ord;state=method")
	}))
	defer near.Close()
	home := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s written in ord", r.Method, r.URL.Path)
	}))
	defer home.Close()

	records := make(chan *journey.Record, 1)
	e, err := edge.New(edge.Config{
		Region: "ams",
		App:    "guestbook",
		Fleet: fleet.New(nil,
			fleet.Machine{ID: "m1", App: "guestbook", Region: "ord", Addr: home.Listener.Addr().String(), Healthy: false},
			fleet.Machine{ID: "m2", App: "guestbook", Region: "ams", Addr: near.Listener.Addr().String(), Healthy: true},
			fleet.Machine{ID: "m3", App: "guestbook", Region: "ord", Addr: home.Listener.Addr().String(), Healthy: true},
		),
		Record: func(r *journey.Record) { records <- r.Clone() },
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	srv := e.Server()
	defer srv.Close()
	go srv.Serve(l)

	resp, err := http.Post("http://"+l.Addr().String()+"/entries", "text/plain", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(string(body))
	for _, hop := range (<-records).Hops {
		fmt.Println(hop.Machine, hop.Region, "replayed:", hop.Replayed)
	}
	// Output:
	// POST /entries written in ord
	// m2 ams replayed: true
	// m3 ord replayed: false
}
