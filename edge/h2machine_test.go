package edge_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"homing/edge"
	"homing/fleet"
	"homing/machine"
	"homing/region"
)

// serving2 is a machine on net/http's server that speaks HTTP/2 without TLS, and
// nothing else.
func serving2(t testing.TB, id machine.ID, at region.Code, h http.HandlerFunc) fleet.Machine {
	srv := httptest.NewUnstartedServer(h)
	srv.Config.Protocols = new(http.Protocols)
	srv.Config.Protocols.SetUnencryptedHTTP2(true)
	srv.Start()
	t.Cleanup(srv.Close)
	return fleet.Machine{ID: id, App: "web", Region: at, Addr: srv.Listener.Addr().String(), Healthy: true}
}

// framing is a machine that is written in frames: f gets each request's stream.
func framing(t testing.TB, id machine.ID, at region.Code, f func(fr *http2.Framer, stream uint32)) fleet.Machine {
	return raw(t, id, at, func(_ int, c *net.TCPConn, br *bufio.Reader) {
		for range 2 { // the preface looks like two heads
			if !skipHead(br) {
				return
			}
		}
		fr := http2.NewFramer(c, br)
		fr.WriteSettings()
		fr.WriteSettingsAck()
		for {
			frame, err := fr.ReadFrame()
			if err != nil {
				return
			}
			if h, ok := frame.(*http2.HeadersFrame); ok {
				f(fr, h.StreamID)
			}
		}
	})
}

func says204(fr *http2.Framer, stream uint32) {
	var b bytes.Buffer
	hpack.NewEncoder(&b).WriteField(hpack.HeaderField{Name: ":status", Value: "204"})
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: b.Bytes(), EndHeaders: true, EndStream: true})
}

func TestAMachineOfHTTP2ServesEveryClient(t *testing.T) {
	w := newWorld(t, http2App, serving2(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Link", "</style.css>")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Set("Trailer", "Sum")
		http.NewResponseController(w).Flush()
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %s|%s|%s|%s", r.Proto, r.Method, r.RequestURI, body, r.Header["Cookie"], r.Header.Get("Te"), r.Header.Get("Via"))
		w.Header().Set("Sum", "7")
	}))
	for _, tc := range []struct{ version, te, wantTe, via string }{
		{"HTTP/1.1", "", "", "1.1"}, {"HTTP/1.1", "gzip, Trailers", "trailers", "1.1"}, {"HTTP/2.0", "trailers", "trailers", "2.0"}, {"HTTP/2.0", "", "", "2.0"},
	} {
		if tc.version == "HTTP/2.0" {
			w.overHTTP2()
		}
		r := w.request("POST", "//a%7Cb?c", strings.NewReader("hello"), "Cookie", "a=1; b=2", "Te", tc.te)
		resp, err := w.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		want := fmt.Sprintf("HTTP/2.0 POST //a%%7Cb?c hello|[a=1; b=2]|%s|%s homing", tc.wantTe, tc.via)
		if string(got) != want || err != nil || resp.Proto != tc.version || resp.Trailer.Get("Sum") != "7" {
			t.Errorf("%s: %s %q, %v, trailer %v, want %q", tc.version, resp.Proto, got, err, resp.Trailer, want)
		}
		if v := resp.Header.Get("Via"); v != "2.0 homing" {
			t.Errorf("Via of the answer is %q", v)
		}
		w.record()
	}
}

func TestAMachineOfHTTP2AndAnHTTP1ClientSpeakAtOnce(t *testing.T) {
	w := newWorld(t, http2App, serving2(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).Flush()
		buf := make([]byte, 10)
		for {
			n, err := r.Body.Read(buf)
			fmt.Fprintf(w, "%s.", buf[:n])
			if err != nil {
				return
			}
			http.NewResponseController(w).Flush()
		}
	}))
	c := w.dial()
	io.WriteString(c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"one", "two"} {
		fmt.Fprintf(c, "3\r\n%s\r\n", word)
		got := make([]byte, 4)
		if _, err := io.ReadFull(resp.Body, got); string(got) != word+"." || err != nil {
			t.Fatalf("%s came back as %q, %v", word, got, err)
		}
	}
	io.WriteString(c, "0\r\n\r\n")
	if rest, err := io.ReadAll(resp.Body); string(rest) != "." || err != nil {
		t.Errorf("at the end came %q, %v", rest, err)
	}
}

func TestWhatAMachineRefusedUnprocessedGoesToAnother(t *testing.T) {
	for name, refuse := range map[string]func(fr *http2.Framer, stream uint32){
		"a stream refused":  func(fr *http2.Framer, stream uint32) { fr.WriteRSTStream(stream, http2.ErrCodeRefusedStream) },
		"a machine leaving": func(fr *http2.Framer, stream uint32) { fr.WriteGoAway(0, http2.ErrCodeNo, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, http2App, framing(t, "near", "ams", refuse), framing(t, "far", "gru", says204))
			if a := w.do("POST", "/", "body"); a.status != http.StatusNoContent {
				t.Errorf("got %d %q", a.status, a.body)
			}
			wantWay(t, w.record(), "near", "far")
		})
	}
}

func TestWhatAMachineMayHaveBegunGoesToNoOther(t *testing.T) {
	w := newWorld(t, http2App,
		framing(t, "near", "ams", func(fr *http2.Framer, stream uint32) { fr.WriteRSTStream(stream, http2.ErrCodeInternal) }),
		framing(t, "far", "gru", says204))
	wantProblem(t, w.do("POST", "/", "body"), http.StatusBadGateway, "PU02", "may have been carried out")
	wantWay(t, w.record(), "near")
	if a := w.do("GET", "/", ""); a.status != http.StatusNoContent {
		t.Errorf("a GET got %d %q", a.status, a.body)
	}
}

func TestAMachineOfHTTP2CannotBeUpgraded(t *testing.T) {
	w := newWorld(t, http2App, serving2(t, "near", "ams", hello))
	_, _, resp := shake(t, w.addr, "")
	body, _ := io.ReadAll(resp.Body)
	wantProblem(t, answer{status: resp.StatusCode, header: resp.Header, body: string(body)}, http.StatusNotImplemented, "BAD", "WebSocket")
	if r := w.record(); len(r.Hops) != 1 || r.Code != "BAD" {
		t.Errorf("the record says %+v", r)
	}
}

// TestAnAppChangesHowItIsSpokenTo while a request is on its way: machines are spoken to
// as the picture says that they were chosen from.
func TestAnAppChangesHowItIsSpokenTo(t *testing.T) {
	var f *fleet.Fleet
	near := serving(t, "near", "ams", func(w http.ResponseWriter, r *http.Request) {
		if err := f.SetApps(fleet.App{Name: "web", Options: fleet.Options{HTTP2: true}}); err != nil {
			t.Error(err)
		}
		replays("region=ord")(w, r)
	})
	f = fleet.New(distances, near, serving2(t, "home", "ord", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
	}))
	w := newWorld(t, func(c *edge.Config) { c.Fleet = f })
	if a := w.do("GET", "/", ""); a.body != "HTTP/2.0" {
		t.Errorf("got %+v", a)
	}
}
