package homing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"homing"
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
