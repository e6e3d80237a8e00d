package guestbook

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"

	"homing/decision"
	"homing/replay"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

func (b *book) page(w http.ResponseWriter, r *http.Request) {
	entries, err := b.entries(r.Context())
	if err != nil {
		fail(w, r, err)
		return
	}
	var out bytes.Buffer
	err = pageTemplate.Execute(&out, struct {
		Self    Self
		Came    string
		Entries []Entry
	}{b.self, howItCame(r), entries})
	if err != nil {
		fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = out.WriteTo(w) // a client that has gone needs no answer
}

// howItCame says which way the request took to this machine, by what the proxy
// in front says of it.
func howItCame(r *http.Request) string {
	edge := r.Header.Get(replay.RegionHeader)
	src, err := replay.ParseSource(r.Header.Get(replay.SourceHeader))
	switch {
	case err == nil && decision.Reason(src.State).IsHome():
		return "by way of " + string(src.Region) + ", which sent it on: " + decision.Reason(src.State).Words()
	case err == nil: // a state of somebody else's is not ours to show
		return "by way of " + string(src.Region) + ", which sent it on"
	case edge != "":
		return "straight from the edge in " + edge
	default:
		return "with nothing in front"
	}
}
