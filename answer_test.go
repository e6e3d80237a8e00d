package homing

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"homing/machine"
)

func TestAHeadIsPutBack(t *testing.T) {
	noted := func() http.Header {
		return http.Header{"A": {"1"}, "B": {"1", "2"}, "None": nil}
	}
	for name, tt := range map[string]struct {
		before, after func(http.Header)
		late          bool
		trailers      bool
	}{
		"untouched":         {},
		"added":             {after: func(h http.Header) { h.Set("C", "1") }},
		"changed":           {after: func(h http.Header) { h.Set("A", "2") }},
		"changed in place":  {after: func(h http.Header) { h["A"][0], h["B"][1] = "2", "3" }},
		"longer":            {after: func(h http.Header) { h.Add("A", "2") }},
		"removed":           {after: func(h http.Header) { h.Del("B") }},
		"another instead":   {after: func(h http.Header) { h.Del("None"); h["C"] = nil }},
		"announced":         {before: func(h http.Header) { h.Set("Trailer", "X") }, trailers: true},
		"announced and set": {before: func(h http.Header) { h.Set("Trailer", "X") }, after: func(h http.Header) { h.Set("X", "1") }, late: true, trailers: true},
		"unannounced":       {after: func(h http.Header) { h.Set(http.TrailerPrefix+"X", "1") }, late: true, trailers: true},
		"a trailer at once": {before: func(h http.Header) { h.Set(http.TrailerPrefix+"X", "1") }, trailers: true},
	} {
		t.Run(name, func(t *testing.T) {
			header := noted()
			if tt.before != nil {
				tt.before(header)
			}
			want := header.Clone()
			var a answer
			a.head.note(header)
			if tt.after != nil {
				tt.after(header)
			}
			changed := header.Clone()
			late, trailers := a.head.putBack(header)
			if !reflect.DeepEqual(header, want) || trailers != tt.trailers || (late != nil) != tt.late {
				t.Errorf("got %v, late %v, trailers %v; want %v", header, late, trailers, want)
			}
			a.head.forget()
			if !reflect.DeepEqual(header, want) {
				t.Errorf("then got %v, as memory is shared with another answer", header)
			}
			if tt.late && !reflect.DeepEqual(late, changed) {
				t.Errorf("for trailers %v, want %v", late, changed)
			}
		})
	}
}

func TestAnAnswersMemoryHoldsNothingOfIt(t *testing.T) {
	a := new(answer)
	a.head.note(http.Header{"Set-Cookie": {"secret"}})
	a.body = append(a.body, "page"...)
	kept := a.head
	a.giveBack()
	if kept.fields[0].name != "" || kept.fields[0].values != nil || kept.values[0] != "" || len(a.head.fields) != 0 || len(a.body) != 0 {
		t.Errorf("left behind: %v %q", kept, a.body)
	}
}

// TestAnswersOfAllKindsAtTheSameTime share memory one after another. Each handler says in
// head and body whose answer it is, and some of them end as no handler should.
func TestAnswersOfAllKindsAtTheSameTime(t *testing.T) {
	var late sync.WaitGroup
	kinds := map[string]http.HandlerFunc{
		"whole":   func(http.ResponseWriter, *http.Request) {},
		"flushed": func(w http.ResponseWriter, r *http.Request) { w.(http.Flusher).Flush() },
		"hinted":  func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusEarlyHints) },
		"long":    func(w http.ResponseWriter, r *http.Request) { w.Write(big) },
		"late": func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			late.Go(func() {
				<-ctx.Done()
				io.WriteString(w, "SECRET")
				w.WriteHeader(500)
			})
		},
		"panicked": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
		"home":     func(w http.ResponseWriter, r *http.Request) { refuse(r) },
		"taken": func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush() // net/http drops what it has not sent by then
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			conn.Close()
		},
	}
	s := newSite(t, Config{Env: replicaIn(), Database: newDB(machine.Replica, "1")})
	srv := serve(t, s.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, _ := strings.Cut(r.URL.Path[1:], "/")
		w.Header().Set("X-Path", r.URL.Path)
		if kind == "hinted" {
			kinds[kind](w, r)
		}
		io.WriteString(w, r.URL.Path)
		kinds[kind](w, r)
	})))
	var clients sync.WaitGroup
	for kind := range kinds {
		clients.Go(func() {
			for i := range 30 {
				look(t, srv, kind, fmt.Sprintf("/%s/%d", kind, i))
			}
		})
	}
	clients.Wait()
	late.Wait()
}

// look asks for a path of [TestAnswersOfAllKindsAtTheSameTime].
func look(t *testing.T, srv *httptest.Server, kind, path string) {
	res, err := srv.Client().Get(srv.URL + path)
	if err != nil {
		if kind != "panicked" {
			t.Errorf("%s: %v", path, err)
		}
		return
	}
	defer res.Body.Close()
	begin := make([]byte, len(path))
	io.ReadFull(res.Body, begin)
	switch {
	case kind == "home":
		if sentHome(res) != "captured" || res.Header.Get("X-Path") != "" {
			t.Errorf("%s: got %v", path, res.Header)
		}
	case res.Header.Get("X-Path") != path || string(begin) != path || kind == "panicked":
		t.Errorf("%s: got %q %v", path, begin, res.Header)
	}
}
