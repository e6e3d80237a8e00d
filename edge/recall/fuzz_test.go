package recall_test

import (
	"strings"
	"testing"

	"homing/edge/recall"
	"homing/machine"
	"homing/replay"
)

// FuzzFind compares what is found with what the patterns themselves say: of those
// that match the request, the longest. Patterns stand one a line.
func FuzzFind(f *testing.F) {
	for _, seed := range [][2]string{
		{"/a/*\n/a/b/*\n/*", "/a/b/c"}, {"/a", "/a/"}, {"/a", "/ab"}, {"/*", "/"}, {"/a/b\n/a", "/a//b"},
		{"/caf%C3%A9/*", "/café/x"}, {"example.com/a/*\nexample.org/*", "/a"}, {"/a%20b", "/a b/c?d=/e"},
		{strings.Repeat("/s", 32) + "\n" + strings.Repeat("/s", 33), strings.Repeat("/s", 40)},
		{"/" + strings.Repeat("x", 1030), "/" + strings.Repeat("x", 1030) + "/y"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, patterns, target string) {
		path, _ := replay.CachePath(target)
		c := recall.New(1 << 20)
		var want machine.App
		longest := 0
		for n, line := range strings.Split(patterns, "\n") {
			p, err := replay.ParsePattern(line)
			if err != nil || n > 100 {
				continue
			}
			app := machine.App(p.Path)
			matches := p.Matches("example.com", path)
			r := at(path)
			if r.Host = p.Host; r.Host == "" {
				r.Host = "example.com"
			}
			if r.Path == "" {
				r.Path = "/" // so that something is kept that must not be found
			}
			kept := c.KeepPath(r, p.Path, to(app)) == nil
			if matches && kept && len(p.Path) >= longest {
				want, longest = app, len(p.Path)
			}
			if short := len(p.Path) <= 1<<10 && strings.Count(p.Path, "/") <= 32; short != kept {
				t.Errorf("%q: kept %v", p.Path, kept)
			}
		}
		wantFound(t, c, at(path), want)
	})
}
