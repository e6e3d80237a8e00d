package edge_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// asksInJSON answers with the JSON form of a replay.
func asksInJSON(body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.fly.replay+json; charset=utf-8")
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		io.WriteString(w, body)
	}
}

func TestTheJSONFormIsAReplay(t *testing.T) {
	seen := func(w http.ResponseWriter, r *http.Request) {
		state := "no state"
		if strings.Contains(r.Header.Get("Fly-Replay-Src"), "state=s1") {
			state = "its state"
		}
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s A=%v B=%v %s", r.Method, r.URL.RequestURI(), body, r.Header["A"], r.Header["B"], state)
	}
	for name, tc := range map[string]struct{ json, want string }{
		"the request stays as it is":    {`{"region":"ord","state":"s1"}`, "POST /a?b=c body A=[1] B=[] its state"},
		"another path":                  {`{"region":"ord","transform":{"path":"/x/y?z=1"}}`, "POST /x/y?z=1 body A=[1] B=[] no state"},
		"headers go and come":           {`{"region":"ord","transform":{"delete_headers":["a"],"set_headers":[{"name":"b","value":"2"}]}}`, "POST /a?b=c body A=[] B=[2] no state"},
		"a header is replaced":          {`{"region":"ord","transform":{"set_headers":[{"name":"A","value":"2"}]}}`, "POST /a?b=c body A=[2] B=[] no state"},
		"unknown fields are not minded": {`{"region":"ord","colour":"blue"}`, "POST /a?b=c body A=[1] B=[] no state"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, serving(t, "near", "ams", asksInJSON(tc.json)), serving(t, "home", "ord", seen))
			if a := w.do("POST", "/a?b=c", "body", "A", "1"); a.body != tc.want {
				t.Errorf("the target saw %q, want %q", a.body, tc.want)
			}
			wantWay(t, w.record(), "near", "home")
		})
	}
}

func TestAnInvalidJSONFormIsNoAnswer(t *testing.T) {
	for name, tc := range map[string]struct {
		h    http.HandlerFunc
		says string
	}{
		"no object":                     {asksInJSON(`"region=ord"`), "object"},
		"cut short":                     {asksInJSON(`{"region":`), ""},
		"a header that is the edge's":   {asksInJSON(`{"transform":{"set_headers":[{"name":"Fly-Client-IP","value":"1.2.3.4"}]}}`), "set_headers"},
		"a header that frames":          {asksInJSON(`{"transform":{"delete_headers":["content-length"]}}`), "delete_headers"},
		"a path that is none":           {asksInJSON(`{"transform":{"path":"x y"}}`), "path"},
		"longer than 64 KiB":            {asksInJSON(`{"region":"ord","x":"` + strings.Repeat("x", 64<<10) + `"}`), "64"},
		"a header that says otherwise":  {asksInJSON(`{"region":"ord"}`, "Fly-Replay", "region=gru"), "disagree"},
		"a state that would be several": {asksInJSON(`{"region":"ord","state":"a;region=x"}`), "state"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, serving(t, "near", "ams", tc.h), serving(t, "home", "ord", hello))
			wantProblem(t, w.do("GET", "/", ""), http.StatusBadGateway, "PA03", tc.says)
		})
	}
}

// An app may say more than it must: a short body must not cost the connection.
func TestAReplaysShortBodyKeepsTheConnection(t *testing.T) {
	opened := 0
	w := newWorld(t, nil, serving(t, "near", "ams", replays("region=ord")), serving(t, "home", "ord", hello))
	for range 5 {
		w.do("GET", "/", "")
		if w.record().Hops[0].Connect > 0 {
			opened++
		}
	}
	if opened != 1 {
		t.Errorf("%d connections were opened to the machine that replays; want 1", opened)
	}
}
