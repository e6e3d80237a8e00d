package homing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"homing"
	"homing/machine"
	"homing/position"
	"homing/trail"
)

func Example() {
	vars := map[string]string{"FLY_REGION": "ord", "PRIMARY_REGION": "ams", "PORT": "3000"}
	env, err := homing.FromLookup(func(name string) string { return vars[name] }) // an app calls FromEnv
	if err != nil {
		fmt.Println(err)
		return
	}
	quiet := slog.New(slog.DiscardHandler)
	site, err := homing.New(homing.Config{Env: env, Logger: quiet}) // and Database: the app's
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := site.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "from Chicago") }))

	fmt.Println("listens on", env.Addr())
	for _, method := range []string{"GET", "POST"} {
		r := httptest.NewRequest(method, "/", nil)
		r.Header.Set("Fly-Region", "ord") // a proxy that replays is in front
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(method, w.Code, w.Body.String()+w.Header().Get("Fly-Replay"))
	}
	// Output:
	// listens on :3000
	// GET 200 from Chicago
	// POST 409 region=ams;state=method
}

func ExampleConfig_writeRoutes() {
	site, err := homing.New(homing.Config{
		Region: "ord", PrimaryRegion: "ams", Logger: slog.New(slog.DiscardHandler),
		WriteRoutes: []string{"GET /logout"},
		ReadRoutes:  []string{"POST /search"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := site.Handler(http.NotFoundHandler())
	for _, route := range [][2]string{{"GET", "/logout"}, {"POST", "/search"}} {
		r := httptest.NewRequest(route[0], route[1], nil)
		r.Header.Set("Fly-Region", "ord")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(route[0], route[1], "goes home:", w.Header().Get("Fly-Replay") != "")
	}
	// Output:
	// GET /logout goes home: true
	// POST /search goes home: false
}

func ExampleFromEnv() {
	env, err := homing.FromEnv() // with nothing set, as in a test or a plain "go run"
	if err != nil {
		fmt.Println(err)
		return
	}
	site, err := homing.New(homing.Config{Env: env, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	fmt.Println(env.Addr(), site.Handler(mux) == http.Handler(mux))
	// Output: :8080 true
}

// newPlace is a site in a region, without a database; the primary is in ams.
func newPlace(here string) *homing.Site {
	vars := map[string]string{"FLY_REGION": here, "PRIMARY_REGION": "ams"}
	env, err := homing.FromLookup(func(name string) string { return vars[name] })
	if err != nil {
		panic(err)
	}
	site, err := homing.New(homing.Config{Env: env, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic(err)
	}
	return site
}

// ask sends a GET to a site's handler, as an edge in front of it would.
func ask(h http.Handler, path string) string {
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("Fly-Region", "ord")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Body.String() + w.Header().Get("Fly-Replay")
}

func ExampleWrites() {
	mux := http.NewServeMux()
	mux.Handle("GET /logout", homing.Writes(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "bye")
	})))
	fmt.Println(ask(newPlace("ord").Handler(mux), "/logout"))
	fmt.Println(ask(newPlace("ams").Handler(mux), "/logout"))
	// Output:
	// region=ams;state=method
	// bye
}

func ExampleGoHome() {
	checkout := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("confirmed") != "" && homing.GoHome(r.Context()) {
			return // it runs again, from its beginning, at the primary
		}
		io.WriteString(w, "the price is 12")
	})
	for _, here := range []string{"ord", "ams"} {
		h := newPlace(here).Handler(checkout)
		fmt.Println(here, "|", ask(h, "/checkout"), "|", ask(h, "/checkout?confirmed=1"))
	}
	// Output:
	// ord | the price is 12 | region=ams;state=asked
	// ams | the price is 12 | the price is 12
}

func ExampleSite_Wait() {
	worker := newPlace("ord") // where the job runs
	token := ""               // site.Token(ctx), from the request that left the job
	switch err := worker.Wait(context.Background(), token); {
	case errors.Is(err, homing.ErrBehind):
		fmt.Println("later, or at the primary:", err)
	case err != nil:
		fmt.Println("not a job of ours:", err)
	default:
		fmt.Println("the database here has all that the job builds on")
	}
	// Output: the database here has all that the job builds on
}

func ExampleSite_WhilePrimary() {
	site := newPlace("ams")
	err := site.WhilePrimary(context.Background(), func(ctx context.Context) error {
		fmt.Println("sending what is due") // until ctx ends; here it is done at once
		return nil
	})
	fmt.Println(err)
	// Output:
	// sending what is due
	// <nil>
}

// fakeDatabase stands for homing/postgres or homing/sqlite here: the replica of a
// primary, a little behind.
type fakeDatabase struct{ role machine.Role }

func (d fakeDatabase) State() position.State {
	return position.State{Engine: "example", Role: d.role, Epoch: "1"}
}
func (fakeDatabase) Position(context.Context) (position.Position, error) { return "0041", nil }
func (fakeDatabase) Wait(context.Context, position.Position) error       { return nil }
func (fakeDatabase) Lag() position.Lag {
	return position.Lag{Known: true, Behind: 30 * time.Millisecond, Bytes: 1200}
}

func ExampleSite_Health() {
	site, err := homing.New(homing.Config{
		Region: "gru", PrimaryRegion: "ord", Database: fakeDatabase{machine.Replica}, MaxLag: 10 * time.Second,
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", site.Health()) // for the machine's check
	w := httptest.NewRecorder()
	site.Handler(mux).ServeHTTP(w, httptest.NewRequest("GET", "/healthz", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 200 {"healthy":true,"region":"gru","role":"replica","epoch":"1","position":"0041","lag_seconds":0.03,"lag_bytes":1200}
}

func ExampleToken() {
	site, err := homing.New(homing.Config{
		Region: "ord", PrimaryRegion: "ord", Database: fakeDatabase{machine.Primary}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	type job struct{ Mail, Token string }
	orders := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// After the commit: what the job will read is covered then.
		fmt.Fprintf(w, "%+v", job{"receipt", homing.Token(r.Context())})
	})
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "/orders", nil)
	r.Header.Set("Fly-Region", "ord")
	site.Handler(orders).ServeHTTP(w, r)
	fmt.Println(w.Body.String() == fmt.Sprintf("%+v", job{"receipt", site.Token(context.Background())}))
	// Output: true
}

// With no request at hand, as in a program that imports data.
func ExampleSite_Token() {
	site := newPlace("ams")
	token := site.Token(context.Background()) // to send with what is imported
	fmt.Println(token != "", site.Wait(context.Background(), token))
	// Output: true <nil>
}

func ExampleTolerateRefusal() {
	seen := func(ctx context.Context) error { // a write of the app, which a replica refuses
		trail.Leave(ctx, trail.Refused) // by the database's driver
		return errors.New("cannot execute UPDATE in a read-only transaction")
	}
	profile := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		if r.FormValue("tolerate") != "" {
			ctx = homing.TolerateRefusal(ctx)
		}
		_ = seen(ctx) // "last seen" is not worth an ocean
		io.WriteString(w, "the profile")
	})
	h := newPlace("ord").Handler(profile)
	fmt.Println(ask(h, "/profile"))
	fmt.Println(ask(h, "/profile?tolerate=1"))
	// Output:
	// region=ams;state=captured
	// the profile
}

func ExampleConfig_Settings() {
	vars := map[string]string{"FLY_REGION": "gru", "PRIMARY_REGION": "ord", "HOMING_SECRET": "a secret of sixteen bytes"}
	env, err := homing.FromLookup(func(name string) string { return vars[name] })
	if err != nil {
		fmt.Println(err)
		return
	}
	settings, err := homing.Config{Env: env, Hold: 32 << 10}.Settings()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range settings {
		if s.From != "default" {
			fmt.Printf("%s: %s (%s)\n", s.Name, s.Value, s.From)
		}
	}
	// Output:
	// region: gru (FLY_REGION)
	// primary region: ord (PRIMARY_REGION)
	// secret: 1, hidden (HOMING_SECRET)
	// hold: 32768 (config)
}

func ExampleSite_Report() {
	site, err := homing.New(homing.Config{Mode: homing.Observe, Region: "ams", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /items/{id}", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "an item") })
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ordered") })
	h := site.Handler(mux)
	for range 9 {
		ask(h, "/items/7")
	}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/orders", nil))

	report := site.Report()
	fmt.Println(report.Requests, "requests,", report.Local, "of them could be answered near their clients")
	fmt.Println(report.Routes[0].Route, "would be sent home:", report.Routes[0].Reason.Words())
	// Output:
	// 10 requests, 9 of them could be answered near their clients
	// POST /orders would be sent home: it may write, by its method or route
}

func ExampleSite_ReportPage() {
	site := newPlace("ams") // HOMING_MODE is not observe here
	inside := http.NewServeMux()
	inside.Handle("GET /homing", site.ReportPage()) // where only you can reach it
	w := httptest.NewRecorder()
	inside.ServeHTTP(w, httptest.NewRequest("GET", "/homing", nil))
	lines := strings.Split(strings.TrimSpace(w.Body.String()), "\n")
	fmt.Println(lines[len(lines)-1])
	// Output: - Nothing is counted, as the mode is on; set HOMING_MODE=observe.
}

func ExampleSite_Handler() {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "a page") })
	h := newPlace("ord").Handler(page)
	w := httptest.NewRecorder()
	r := httptest.NewRequest("DELETE", "/items/7", nil)
	r.Header.Set("Fly-Region", "ord")
	h.ServeHTTP(w, r)
	fmt.Println("a read: ", ask(h, "/items/7"))
	fmt.Println("a write:", w.Header().Get("Fly-Replay"))
	// Output:
	// a read:  a page
	// a write: region=ams;state=method
}

func ExampleParseMode() {
	mode, err := homing.ParseMode("Observe")
	fmt.Println(mode, err)
	_, err = homing.ParseMode("of")
	fmt.Println(err)
	// Output:
	// observe <nil>
	// want on, observe or off, not "of"
}

func ExampleParseConsistency() {
	c, err := homing.ParseConsistency("session")
	fmt.Println(c, err)
	// Output: session <nil>
}

func ExampleFromLookup() {
	vars := map[string]string{"FLY_REGION": "gru", "PRIMARY_REGION": "ord", "HOMING_WAIT": "80"}
	_, err := homing.FromLookup(func(name string) string { return vars[name] }) // for several machines in a process
	fmt.Println(err)
	// Output: HOMING_WAIT: want a time with its unit such as "300ms", not "80"
}

func ExampleNew() {
	_, err := homing.New(homing.Config{Region: "gru", WriteRoutes: []string{"GET logout"}})
	fmt.Println(err) // all that is wrong, at once
	// Output:
	// homing: region is "gru", but nothing says where the primary is; set PRIMARY_REGION
	// homing: WriteRoutes: "GET logout": parsing "GET logout": at offset 4: host/path missing /
}

func ExampleParseReplay() {
	replay, err := homing.ParseReplay("forward")
	fmt.Println(replay, err)
	// Output: forward <nil>
}
