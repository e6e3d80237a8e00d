package flytoml

import (
	"cmp"
	"strings"
	"time"
)

// serviceChecks reads the checks of a service.
func serviceChecks(s setting, kind string) []Check {
	var all []Check
	for _, c := range s.tables() {
		all = append(all, check(c, kind))
	}
	return all
}

// topChecks reads [checks.NAME], or a list whose tables hold their name.
func topChecks(s setting, f *File) []Check {
	var all []Check
	add := func(one setting, name string) {
		if one.kind != table {
			one.wrong("want a table, not %s", one.kind)
			return
		}
		kind := one.get("type")
		if kind.missing() {
			one.wrong(`want a type: "http" or "tcp"`)
		}
		c := check(one, kind.word("http", "tcp"))
		c.Name, c.Port, c.Groups = name, one.get("port").port(), groups(one.get("processes"), f)
		all = append(all, c)
	}
	if !s.missing() && s.kind == list {
		for _, one := range s.tables() {
			name := one.get("name")
			if name.missing() {
				one.wrong("want a name")
			}
			add(one, name.text())
		}
		return all
	}
	if !s.missing() && s.kind != table {
		s.wrong("want a table of checks by name, not %s", s.kind)
		return nil
	}
	for _, one := range s.all() {
		add(one, one.name(s))
	}
	return all
}

func check(s setting, kind string) Check {
	c := Check{
		Type:     kind,
		Interval: s.get("interval").duration(time.Millisecond),
		Timeout:  s.get("timeout").duration(time.Millisecond),
		Grace:    s.get("grace_period").duration(time.Millisecond),
	}
	if kind == "http" {
		c.Method = strings.ToUpper(cmp.Or(s.get("method").text(), "GET"))
		c.Path = cmp.Or(s.get("path").text(), "/")
		c.Protocol = cmp.Or(s.get("protocol").word("http", "https"), "http")
		c.Headers = checkHeaders(s.get("headers"))
	}
	return c
}

// checkHeaders reads headers by name, or a list of tables with name and value.
func checkHeaders(s setting) map[string]string {
	if s.missing() || s.kind == list && len(s.items) == 0 {
		return nil
	}
	headers := map[string]string{}
	if s.kind == table {
		for _, h := range s.all() {
			headers[h.name(s)] = h.scalar()
		}
		return headers
	}
	for _, h := range s.tables() {
		name := h.get("name")
		if name.missing() {
			h.wrong("want a name and a value")
			continue
		}
		headers[name.text()] = h.get("value").scalar()
	}
	return headers
}
