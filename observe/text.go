package observe

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"homing/decision"
)

// String is the report as text, of 80 columns at most where routes are short.
func (p Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d requests in %s", p.Requests, p.At.Sub(p.Since).Round(time.Second))
	if p.Here != "" {
		fmt.Fprintf(&b, ", with the database in %s", p.Here)
	}
	fmt.Fprintf(&b, "\n\n  %-34s %9d %5d%%\n", "could be answered near the client", p.Local, percent(p.Local, p.Requests))
	fmt.Fprintf(&b, "  %-34s %9d %5d%%\n", "would be sent home", p.Home, percent(p.Home, p.Requests))
	fmt.Fprintf(&b, "  %-34s %9d %5d%%\n", "seen to write in the database", p.Wrote, percent(p.Wrote, p.Requests))
	p.writeClients(&b)
	p.writeRoutes(&b)
	b.WriteByte('\n')
	for _, a := range p.Advice {
		b.WriteString(wrap(a, 78))
	}
	return b.String()
}

func (p Report) writeClients(b *strings.Builder) {
	if len(p.Clients) == 0 {
		return
	}
	fmt.Fprintf(b, "\n  %-10s %9s %6s   %10s %10s   %10s %10s\n", "", "", "", "now", "", "expected", "")
	fmt.Fprintf(b, "  %-10s %9s %6s   %10s %10s   %10s %10s\n", "clients in", "requests", "local", "median", "95 of 100", "median", "95 of 100")
	for _, c := range p.Clients {
		fmt.Fprintf(b, "  %-10s %9d %5d%%   %10s %10s   %10s %10s\n", c.name(), c.Requests, percent(c.Local, c.Requests),
			milliseconds(c.Now.Median), milliseconds(c.Now.P95), milliseconds(c.Expected.Median), milliseconds(c.Expected.P95))
	}
}

func (c Clients) name() string {
	if c.Region == "" {
		return "(unknown)"
	}
	return string(c.Region)
}

func (p Report) writeRoutes(b *strings.Builder) {
	if len(p.Routes) == 0 {
		return
	}
	fmt.Fprintf(b, "\n  %9s %9s %9s  %s\n", "home", "of", "wrote", "routes that would be sent home, and why")
	for _, rt := range p.Routes {
		fmt.Fprintf(b, "  %9d %9d %9d  %s (%s)\n", rt.Home, rt.Requests, rt.Wrote, rt.Route, rt.Reason)
	}
}

// why says in words why requests of the route would be sent home.
func (rt Route) why() string {
	if rt.Reason == decision.Captured {
		return "it writes, which its method does not say"
	}
	return rt.Reason.Words()
}

// milliseconds writes a time as tables do.
func milliseconds(d time.Duration) string {
	if d >= 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d)/1e6)
}

// wrap breaks a sentence into lines, as an item of a list.
func wrap(text string, width int) string {
	var b strings.Builder
	line := "-"
	for word := range strings.FieldsSeq(text) {
		if utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			b.WriteString(line + "\n")
			line = " "
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
	return b.String()
}
