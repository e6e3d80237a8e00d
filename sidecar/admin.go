package sidecar

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"homing"
)

// Paths of [Admin].
const (
	WaitPath   = "/.well-known/homing/wait"
	TokenPath  = "/.well-known/homing/token"
	HealthPath = "/.well-known/homing/health"
	ReportPath = "/.well-known/homing/report"
)

const (
	defaultAdminWait = 5 * time.Second
	mostAdminWait    = 5 * time.Minute
)

// Admin returns what the app and its workers may ask of a site, for a loopback port:
//
//   - GET …/token: a token for what the database here has, to go with a job. It is
//     empty where there are no regions.
//   - GET …/wait?position=TOKEN&timeout=5s: 204 as soon as reads here see what the
//     token names; 503 when they do not in time (5 s by default, 5 min at most), or
//     never will; 400 if it is no token of this app, or none is given.
//   - GET …/health: [homing.Site.Health].
//   - GET …/report: [homing.Site.ReportPage].
//
// All are below /.well-known/homing.
func Admin(site *homing.Site) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+WaitPath, func(w http.ResponseWriter, r *http.Request) { wait(site, w, r) })
	mux.HandleFunc("GET "+TokenPath, func(w http.ResponseWriter, r *http.Request) {
		say(w, http.StatusOK, site.Token(r.Context()))
	})
	mux.Handle("GET "+HealthPath, site.Health())
	mux.Handle("GET "+ReportPath, site.ReportPage())
	return mux
}

func wait(site *homing.Site, w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	timeout := defaultAdminWait
	if text := q.Get("timeout"); text != "" {
		var err error
		if timeout, err = time.ParseDuration(text); err != nil || timeout < 0 || timeout > mostAdminWait {
			say(w, http.StatusBadRequest, fmt.Sprintf("timeout: want a time with its unit such as 5s, of at most %v\n", mostAdminWait))
			return
		}
	}
	if !q.Has("position") {
		say(w, http.StatusBadRequest, "position: want the token that went with the job, as in ?position=TOKEN\n")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	switch err := site.Wait(ctx, q.Get("position")); {
	case err == nil:
		say(w, http.StatusNoContent, "")
	case errors.Is(err, homing.ErrBehind):
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, err.Error()+"\n")
	default:
		say(w, http.StatusBadRequest, err.Error()+"\n")
	}
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Cache-Control", "no-store")
	if text != "" {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // whoever has gone needs no answer
}
