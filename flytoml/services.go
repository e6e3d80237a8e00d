package flytoml

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"homing/fleet"
)

// services reads [http_service] and [[services]].
func services(root setting, f *File) []Service {
	var all []Service
	if web := root.section("http_service"); !web.missing() {
		all = append(all, httpService(web, f))
	}
	for _, s := range root.get("services").tables() {
		if len(s.names) > 0 {
			all = append(all, plainService(s, f))
		}
	}
	return all
}

// httpService reads the short form: a service on ports 80 and 443.
func httpService(s setting, f *File) Service {
	service := common(s, f)
	service.Protocol = "tcp"
	service.Ports = []Port{
		{First: 80, Last: 80, Handlers: []string{"http"}},
		{First: 443, Last: 443, Handlers: []string{"tls", "http"}},
	}
	service.Options = options(s)
	service.Checks = append(serviceChecks(s.get("checks"), "http"), serviceChecks(s.get("tcp_checks"), "tcp")...)
	return service
}

// plainService reads the long form, where each public port is told.
func plainService(s setting, f *File) Service {
	service := common(s, f)
	service.Protocol = cmp.Or(s.get("protocol").word("tcp", "udp"), "tcp")
	var each []fleet.Options
	for _, p := range s.get("ports").tables() {
		service.Ports = append(service.Ports, publicPort(p))
		each = append(each, options(p))
	}
	service.Options = together(service.Ports, each)
	service.Checks = append(serviceChecks(s.get("tcp_checks"), "tcp"), serviceChecks(s.get("http_checks"), "http")...)
	return service
}

// common reads what both forms have.
func common(s setting, f *File) Service {
	known(s.get("processes"), f)
	return Service{
		Groups:       groups(s.get("processes"), f),
		InternalPort: cmp.Or(s.get("internal_port").port(), defaultPort),
		Limits:       limits(s.get("concurrency")),
	}
}

// publicPort reads a port, or a range of them.
func publicPort(s setting) Port {
	p := Port{Handlers: s.get("handlers").texts()}
	one, first, last := s.get("port"), s.get("start_port"), s.get("end_port")
	if one.missing() && (first.missing() || last.missing()) {
		s.wrong("want a port, or a start_port and an end_port")
		return p
	}
	p.First, p.Last = first.port(), last.port()
	if !one.missing() {
		p.First = one.port()
		p.Last = p.First
	} else if p.First > 0 && p.Last > 0 && p.Last < p.First {
		last.wrong("want a port from %d on, where the range starts, not %d", p.First, p.Last)
	}
	return p
}

// together makes one set of options from those of each port: most requests come
// by the one with TLS, which those without are redirected to.
func together(ports []Port, each []fleet.Options) fleet.Options {
	chosen := slices.IndexFunc(ports, func(p Port) bool { return p.HTTP() && slices.Contains(p.Handlers, "tls") })
	if chosen < 0 {
		chosen = slices.IndexFunc(ports, Port.HTTP)
	}
	if chosen < 0 {
		return fleet.Options{}
	}
	all := each[chosen]
	all.ForceHTTPS = slices.ContainsFunc(each, func(o fleet.Options) bool { return o.ForceHTTPS })
	return all
}

// limits reads a table or, as it once was, the text "soft,hard". Without a type
// they count connections.
func limits(s setting) fleet.Limits {
	if !s.missing() && s.kind == text {
		return oldLimits(s)
	}
	if !s.missing() && s.kind != table {
		s.wrong("want a table, not %s", s.kind)
	}
	l := fleet.Limits{Type: fleet.Connections, Soft: s.get("soft_limit").count(), Hard: s.get("hard_limit").count()}
	if s.get("type").word("connections", "requests") == "requests" {
		l.Type = fleet.Requests
	}
	return l
}

func oldLimits(s setting) fleet.Limits {
	left, right, _ := strings.Cut(s.node.text, ",")
	soft, err := strconv.ParseUint(strings.TrimSpace(left), 10, 31)
	hard, err2 := strconv.ParseUint(strings.TrimSpace(right), 10, 31)
	if err != nil || err2 != nil {
		s.wrong(`want a table, or limits such as "20,25", not %s`, s.shown())
	}
	return fleet.Limits{Type: fleet.Requests, Soft: int(soft), Hard: int(hard)}
}
