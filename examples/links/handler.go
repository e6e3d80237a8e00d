package links

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"homing"
)

// Handler serves a store with net/http alone.
func Handler(s Store) http.Handler {
	h := handler{s}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /links", h.list)
	mux.HandleFunc("POST /links", h.create)
	mux.HandleFunc("GET /links/{id}", h.show)
	mux.HandleFunc("DELETE /links/{id}", h.remove)
	mux.Handle("GET /links/{id}/undo", homing.Writes(http.HandlerFunc(h.remove)))
	mux.HandleFunc("GET /go/{name}", h.follow)
	mux.HandleFunc("GET /lucky", h.lucky)
	return mux
}

type handler struct{ store Store }

func (h handler) list(w http.ResponseWriter, r *http.Request) {
	all, err := h.store.List(r.Context())
	answer(w, http.StatusOK, all, err)
}

func (h handler) create(w http.ResponseWriter, r *http.Request) {
	l, err := h.store.Create(r.Context(), r.PostFormValue("name"), r.PostFormValue("url"))
	answer(w, http.StatusCreated, l, err)
}

func (h handler) show(w http.ResponseWriter, r *http.Request) {
	l, err := h.store.Get(r.Context(), id(r))
	answer(w, http.StatusOK, l, err)
}

func (h handler) remove(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, "gone", h.store.Delete(r.Context(), id(r)))
}

func (h handler) follow(w http.ResponseWriter, r *http.Request) {
	l, err := h.store.Follow(r.Context(), r.PathValue("name"))
	lead(w, r, l, err)
}

func (h handler) lucky(w http.ResponseWriter, r *http.Request) {
	l, err := h.store.Lucky(r.Context())
	lead(w, r, l, err)
}

// id is 0, which no link has, where the path has no number.
func id(r *http.Request) int64 {
	n, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	return n
}

func lead(w http.ResponseWriter, r *http.Request, l Link, err error) {
	if err != nil {
		answer(w, 0, nil, err)
		return
	}
	http.Redirect(w, r, l.URL, http.StatusFound)
}

func answer(w http.ResponseWriter, status int, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), StatusOf(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v) //nolint:errcheck // its client has gone
}

// StatusOf returns the status that tells of an error.
func StatusOf(err error) int {
	if errors.Is(err, ErrNotFound) {
		return http.StatusNotFound
	}
	return http.StatusInternalServerError
}
