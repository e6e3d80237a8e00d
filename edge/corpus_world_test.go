package edge_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"homing/edge"
	"homing/fleet"
	"homing/machine"
	"homing/region"
	"homing/replay/corpus"
)

// place is where a machine is, "app@region/id" or "region/id".
type place struct {
	app    machine.App
	region region.Code
	id     machine.ID
}

// cast finds out which machines there are.
func (s *scene) cast() {
	text, ok := s.c.Lookup("world")
	if !ok {
		text = "gru/a ord/b"
	}
	for word := range strings.FieldsSeq(text) {
		p := place{app: "web"}
		if app, rest, ok := strings.Cut(word, "@"); ok {
			p.app, word = machine.App(app), rest
		}
		at, id, ok := strings.Cut(word, "/")
		if !ok {
			s.t.Fatalf("%s: %q is no machine", s.c.Where, word)
		}
		p.region, p.id = region.Code(at), machine.ID(id)
		s.places = append(s.places, p)
		s.actors[p.id] = &actor{id: p.id}
	}
}

// build starts the world.
func (s *scene) build() {
	var unreachable []string
	machines := make([]fleet.Machine, 0, len(s.places))
	for _, p := range s.places {
		m := s.actors[p.id].start(s.t, p)
		if s.actors[p.id].is("unreachable") {
			unreachable = append(unreachable, m.Addr)
		}
		s.describe(&m)
		machines = append(machines, m)
	}
	f := fleet.New(estimates, machines...)
	apps := s.apps()
	if err := f.SetApps(apps...); err != nil {
		s.t.Fatalf("%s: %v", s.c.Where, err)
	}
	s.world = newWorld(s.t, func(c *edge.Config) {
		s.configure(c)
		c.Fleet, c.Logger = f, textLog(s.log)
		if slices.ContainsFunc(apps, func(a fleet.App) bool { return a.Name == "web" && len(a.Hosts) > 0 }) {
			c.App = "" // it takes no other hosts then
		}
		c.Machines.Dial = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if slices.Contains(unreachable, addr) {
				return dialNever(ctx, network, addr)
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		}
	})
	s.load(f)
}

// estimates are the distances between the regions' places.
func estimates(a, b region.Code) time.Duration {
	d, _ := region.RoundTrip(a, b)
	return d
}

// describe gives a machine what the case says of it.
func (s *scene) describe(m *fleet.Machine) {
	named := func(key string) bool { return slices.Contains(strings.Fields(s.c.Get(key)), string(m.ID)) }
	m.Healthy, m.Starting = !named("sick"), named("starting")
	for _, f := range s.c.Fields {
		id, rest, _ := strings.Cut(f.Value, " ")
		if id != string(m.ID) {
			continue
		}
		switch f.Key {
		case "limit":
			m.Limits.Soft, m.Limits.Hard = s.number(options(rest)["soft"]), s.number(options(rest)["hard"])
		case "ports":
			m.Ports = append(m.Ports, uint16(s.number(rest)))
		}
	}
}

// load takes slots that nobody gives back.
func (s *scene) load(f *fleet.Fleet) {
	for _, text := range s.c.All("load") {
		id, n, _ := strings.Cut(text, " ")
		m, ok := f.Snapshot().Machine("web", machine.ID(id))
		if !ok {
			s.t.Fatalf("%s: no machine is called %q", s.c.Where, id)
		}
		for range s.number(n) {
			if _, ok := m.Acquire(); !ok {
				s.t.Fatalf("%s: %s has no slot left", s.c.Where, id)
			}
		}
	}
}

// configure gives the edge what the case says of it.
func (s *scene) configure(c *edge.Config) {
	c.Region = "gru"
	if at := s.c.Get("edge"); at != "" {
		c.Region = region.Code(at)
	}
	c.BodyLimit, c.BodyBudget = int64(s.number(s.c.Get("body-limit"))), int64(s.number(s.c.Get("body-budget")))
	c.Machines.ConnectTimeout = s.duration(s.c.Get("connect-timeout"))
	queue := options(s.c.Get("queue"))
	c.Queue = fleet.Queue{Room: s.number(queue["room"]), Patience: s.duration(queue["patience"])}
}

// apps are the descriptions: a name and options, see [scene.app].
func (s *scene) apps() (apps []fleet.App) {
	for _, f := range s.c.Fields {
		if f.Key == "app" {
			apps = append(apps, s.app(f))
		}
	}
	return apps
}

func (s *scene) app(f corpus.Field) fleet.App {
	name, rest, _ := strings.Cut(f.Value, " ")
	app := fleet.App{Name: machine.App(name)}
	for key, value := range options(rest) {
		switch key {
		case "organisation":
			app.Organisation = fleet.Organisation(value)
		case "allows":
			for o := range strings.SplitSeq(value, ",") {
				app.AllowFrom = append(app.AllowFrom, fleet.Organisation(o))
			}
		case "hosts":
			app.Hosts = strings.Split(value, ",")
		case "body-limit":
			app.Options.BodyLimit = int64(s.number(value))
		case "idle":
			app.Options.IdleTimeout = s.duration(value)
		case "force-https":
			app.Options.ForceHTTPS = true
		case "pristine":
			app.Options.Pristine = true
		case "http2":
			app.Options.HTTP2 = true
		case "idempotent":
			app.Options.Idempotent = true
		default:
			s.t.Fatalf("%s: an app has no %q", s.c.Where, key)
		}
	}
	return app
}

// options reads "key=value key=value word".
func options(text string) map[string]string {
	all := make(map[string]string)
	for word := range strings.FieldsSeq(text) {
		key, value, _ := strings.Cut(word, "=")
		all[key] = value
	}
	return all
}

// number is 0 where nothing is said.
func (s *scene) number(text string) int {
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatalf("%s: %v", s.c.Where, err)
	}
	return n
}

func (s *scene) duration(text string) time.Duration {
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatalf("%s: %v", s.c.Where, err)
	}
	return d
}

// exchange is a client that sends one request on a connection of its own.
func (s *scene) exchange(m said) *seen {
	c := s.world.dial().(*net.TCPConn)
	defer c.Close()
	method, _, _ := strings.Cut(m.first, " ")
	switch {
	case m.raw != "":
		method, _, _ = strings.Cut(m.raw, " ")
		fmt.Fprint(c, m.raw)
	case m.has("Upgrade"):
		m.fields = append(m.fields, "Host: app.test")
		m.write(c, m.first+" HTTP/1.1", false, m.body)
	default:
		if !m.has("Host") {
			m.fields = append(m.fields, "Host: app.test")
		}
		m.write(c, m.first+" HTTP/1.1", m.body != "", m.body)
	}
	return readSeen(c, bufio.NewReader(c), method)
}
