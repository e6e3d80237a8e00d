package homing_test

import (
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
