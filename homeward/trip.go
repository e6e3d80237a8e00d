package homeward

import (
	"net"
	"net/http"
	"strings"
	"time"

	"homing/decision"
	"homing/forward"
	"homing/region"
	"homing/replay"
	"homing/wire"
)

// Errand says why a request is sent home.
type Errand struct {
	To     region.Code // the primary's region
	Reason decision.Reason
	// Writes says that the request must not be carried out twice, whatever its
	// method says.
	Writes bool
	// Body is the request's body if the app may have read of it. nil: nobody has.
	Body *Upload
}

// trip is one request on its way home.
type trip struct {
	way    *Way
	in     *http.Request
	errand Errand
	upload *Upload // nil: no body
	out    *forward.Answer
}

// Send sends r home and answers it with what is answered there, or with an error,
// which it returns too. Nothing may have been written to w. Where an answer breaks
// off in the middle, or the client has gone, it panics with [http.ErrAbortHandler],
// as net/http wants it.
func (w *Way) Send(rw http.ResponseWriter, r *http.Request, e Errand) *Problem {
	t := &trip{way: w, in: r, errand: e, upload: e.Body}
	if t.upload == nil {
		t.upload = w.upload(rw, r, 0)
	}
	if t.upload == nil {
		t.out = forward.NewAnswer(rw, r)
	} else {
		t.out = t.upload.out
		t.upload.begin()
		defer t.out.Leave()
	}
	p := t.run()
	if p != nil {
		t.fail(p)
	}
	return p
}

func (t *trip) run() *Problem {
	answer, err := t.ask()
	if err != nil {
		return t.problemOf(err)
	}
	if asks, _ := replay.Asks(forward.HTTPHeader(answer.Header)); asks {
		return t.refuseReplay(answer)
	}
	if answer.Tunnel != nil {
		return t.tunnel(answer)
	}
	t.deliver(answer)
	return nil
}

// ask sends the request, and once more on a fresh connection where that cannot carry
// it out twice: none of it has left, or it only reads.
func (t *trip) ask() (*forward.Response, error) {
	req := t.request()
	var body *forward.Body
	if t.upload != nil {
		body, req.Length, req.Announce = t.upload.body, t.in.ContentLength, t.upload.expects
	}
	return t.way.pool.Ask(t.in.Context(), t.way.addr, req, body, func(fail *forward.Error) bool {
		return fail.Op != "connect" && (!fail.Sent || !t.runsOnce())
	})
}

// runsOnce reports whether the request must not be sent a second time.
func (t *trip) runsOnce() bool {
	return t.errand.Writes || t.in.Method != http.MethodGet && t.in.Method != http.MethodHead
}

func (t *trip) request() *forward.Request {
	return &forward.Request{
		Method: t.in.Method, Target: forward.Target(t.in), Host: t.in.Host, Header: forward.Fields(t.header()), Once: t.runsOnce(),
		Early: func(status int, header wire.Header) { t.out.Early(status, outward(header)) },
	}
}

// notOn are the fields of a request that would be believed at the primary's site, or
// obeyed on the way there, and are not meant for it.
var notOn = []string{
	replay.RegionHeader, replay.SourceHeader, replay.FailedHeader, replay.CacheStatusHeader, replay.PreferredGoneHeader,
	replay.PrimaryHeader, replay.ForwardedHeader,
	replay.PreferRegionHeader, replay.ForceRegionHeader, replay.PreferInstanceHeader, replay.ForceInstanceHeader,
	"Host", "Expect",
}

// header returns what the primary's site is sent.
func (t *trip) header() http.Header {
	h := forward.EndToEnd(t.in.Header)
	for _, name := range notOn {
		delete(h, name)
	}
	if protocols := forward.Upgrade(t.in); protocols != "" {
		h["Connection"], h["Upgrade"] = []string{"Upgrade"}, []string{protocols}
	}
	t.continueForwarded(h)
	h.Add("Via", via(t.in))
	h.Set(replay.PreferRegionHeader, string(t.errand.To))
	stamp := Stamp{From: t.way.cfg.From, To: t.errand.To, Reason: t.errand.Reason, At: time.Now()}
	h.Set(replay.ForwardedHeader, stamp.Sign(t.way.cfg.Keys, t.in))
	return h
}

// continueForwarded adds our client to X-Forwarded-For. What the first proxy said of
// its own client stands.
func (t *trip) continueForwarded(h http.Header) {
	if client, _, err := net.SplitHostPort(t.in.RemoteAddr); err == nil {
		h.Set("X-Forwarded-For", strings.Join(append(h["X-Forwarded-For"], client), ", "))
	}
	if h.Get("X-Forwarded-Proto") == "" {
		proto := "http"
		if t.in.TLS != nil {
			proto = "https"
		}
		h.Set("X-Forwarded-Proto", proto)
	}
	if h.Get("X-Forwarded-Host") == "" {
		h.Set("X-Forwarded-Host", t.in.Host)
	}
}

// via names us, and the protocol that a request came to us in (RFC 9110 §7.6.3).
func via(r *http.Request) string {
	if r.ProtoMajor == 2 {
		return "2.0 homing"
	}
	return "1.1 homing"
}
