package observe

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"
)

// Show answers with the report: as JSON to who asks for that (Accept:
// application/json, or ?format=json), as a page to a browser, else as text.
func Show(w http.ResponseWriter, r *http.Request, p Report) {
	h, accept := w.Header(), r.Header.Get("Accept")
	h.Set("Cache-Control", "no-store")
	switch {
	case r.URL.Query().Get("format") == "json" || strings.Contains(accept, "application/json"):
		h.Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(p) // a reader that has gone needs no answer
	case strings.Contains(accept, "text/html"):
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		fmt.Fprint(w, p.page())
	default:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		fmt.Fprint(w, p)
	}
}

// page is the report in HTML. It is written without html/template, which would keep
// the linker from leaving out what an app does not call.
func (p Report) page() string {
	var b strings.Builder
	b.WriteString(pageHead)
	fmt.Fprintf(&b, "<h1>What regions would bring</h1>\n<p>%d requests in %s", p.Requests, p.At.Sub(p.Since).Round(time.Second))
	if p.Here != "" {
		fmt.Fprintf(&b, ", with the database in <b>%s</b>", html.EscapeString(string(p.Here)))
	}
	local := percent(p.Local, p.Requests)
	fmt.Fprintf(&b, ". <b>%d%%</b> could be answered near their client, <b>%d%%</b> would be sent home.</p>\n", local, percent(p.Home, p.Requests))
	fmt.Fprintf(&b, "<div class=bar><div style=\"width:%d%%\"></div></div>\n<ul>\n", local)
	for _, a := range p.Advice {
		fmt.Fprintf(&b, "<li>%s</li>\n", html.EscapeString(a))
	}
	b.WriteString("</ul>\n")
	p.clientsTable(&b)
	p.routesTable(&b)
	b.WriteString("</main></body></html>\n")
	return b.String()
}

func (p Report) clientsTable(b *strings.Builder) {
	if len(p.Clients) == 0 {
		return
	}
	b.WriteString("<h2>Clients</h2>\n<table><thead><tr><th>region</th><th>requests</th><th>local</th><th>now: median</th><th>95 of 100</th>" +
		"<th>expected: median</th><th>95 of 100</th></tr></thead><tbody>\n")
	for _, c := range p.Clients {
		fmt.Fprintf(b, "<tr><td>%s</td><td>%d</td><td>%d%%</td><td>%s</td><td>%s</td><td>%s</td><td>%s</td></tr>\n",
			html.EscapeString(c.name()), c.Requests, percent(c.Local, c.Requests), milliseconds(c.Now.Median), milliseconds(c.Now.P95),
			milliseconds(c.Expected.Median), milliseconds(c.Expected.P95))
	}
	b.WriteString("</tbody></table>\n")
}

func (p Report) routesTable(b *strings.Builder) {
	if len(p.Routes) == 0 {
		return
	}
	b.WriteString("<h2>Routes that would be sent home</h2>\n<table class=last-left><thead><tr><th>route</th><th>home</th><th>of</th><th>wrote</th><th>why</th></tr></thead><tbody>\n")
	for _, rt := range p.Routes {
		fmt.Fprintf(b, "<tr><td><code>%s</code></td><td>%d</td><td>%d</td><td>%d</td><td>%s</td></tr>\n",
			html.EscapeString(rt.Route), rt.Home, rt.Requests, rt.Wrote, html.EscapeString(rt.why()))
	}
	b.WriteString("</tbody></table>\n")
}

const pageHead = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>What regions would bring</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid #8884 }
th:first-child, td:first-child,
.last-left td:last-child, .last-left th:last-child { text-align: left }
.bar { height: .8rem; border-radius: .4rem; background: #8884; overflow: hidden }
.bar div { height: 100%; background: #2a9d5c }
</style></head><body><main>
`
