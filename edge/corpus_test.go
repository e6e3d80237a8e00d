package edge_test

import (
	"slices"
	"strings"
	"testing"

	"homing/machine"
	"homing/replay/corpus"
)

// TestCorpus carries out the cases of testdata, whose README.md explains the
// language, with a real edge and machines on real sockets.
func TestCorpus(t *testing.T) {
	all, err := corpus.Read("testdata")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 90 {
		t.Errorf("%d cases; want 90 at least", len(all))
	}
	for _, c := range all {
		t.Run(c.Section+"/"+c.Name, func(t *testing.T) {
			s := newScene(t, c)
			s.build()
			for _, step := range s.steps {
				s.play(step)
			}
		})
	}
}

// scene is a case as it is carried out.
type scene struct {
	t      *testing.T
	c      corpus.Case
	world  *world
	actors map[machine.ID]*actor
	places []place // of the machines, in the order of the case
	steps  []step
	log    *strings.Builder
}

// step is a request, and what is to come of it.
type step struct {
	request said
	wants   []corpus.Field
}

// settings are the keys that say what the world is like.
var settings = []string{
	"edge", "world", "sick", "starting", "limit", "load", "ports", "queue", "body-limit", "body-budget", "connect-timeout", "app",
}

// newScene sorts a case's fields: the world's, what machines say, requests, and
// what each is to bring.
func newScene(t *testing.T, c corpus.Case) *scene {
	s := &scene{t: t, c: c, actors: make(map[machine.ID]*actor), log: new(strings.Builder)}
	s.cast()
	var wants []corpus.Field // before the first request
	for _, f := range c.Fields {
		a := s.actors[machine.ID(f.Key)]
		switch {
		case slices.Contains(settings, f.Key):
		case a != nil:
			a.lines = append(a.lines, s.read(f.Value, 1))
		case f.Key == "request":
			s.steps = append(s.steps, step{request: s.read(f.Value, 2)})
		case checks[f.Key] == nil:
			t.Fatalf("%s: %q is no key, nor a machine", c.Where, f.Key)
		case len(s.steps) == 0:
			wants = append(wants, f)
		default:
			last := &s.steps[len(s.steps)-1]
			last.wants = append(last.wants, f)
		}
	}
	if len(s.steps) == 0 {
		s.steps = []step{{request: s.read("GET /", 2)}}
	}
	s.steps[0].wants = append(wants, s.steps[0].wants...)
	if len(s.steps[len(s.steps)-1].wants) == 0 {
		t.Fatalf("%s: nothing is wanted", c.Where)
	}
	return s
}

// play sends one request and looks at what came of it.
func (s *scene) play(st step) {
	for _, a := range s.actors {
		a.forget()
	}
	out := &outcome{scene: s, client: s.exchange(st.request), record: s.world.record()}
	for _, want := range st.wants {
		if wrong := checks[want.Key](out, want.Value); wrong != "" {
			s.t.Errorf("%s: want %s: %s\n%s", s.c.Where, want.Key, want.Value, wrong)
		}
	}
	if s.t.Failed() {
		s.t.Logf("the client got %+v\nthe record %+v", out.client, *out.record)
	}
}

func (s *scene) read(text string, words int) said {
	m, err := readSaid(text, words)
	if err != nil {
		s.t.Fatalf("%s: %q: %v", s.c.Where, text, err)
	}
	return m
}
