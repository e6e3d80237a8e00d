package flytoml_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"homing/fleet"
	"homing/flytoml"
)

// Each file in testdata is a shape that fly.toml has, and beside it stands what it
// means.
func TestShapes(t *testing.T) {
	names, err := filepath.Glob("testdata/*.toml")
	if err != nil || len(names) < 10 {
		t.Fatalf("%d shapes, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".toml"), func(t *testing.T) {
			want, err := os.ReadFile(strings.TrimSuffix(name, ".toml") + ".txt")
			if err != nil {
				t.Error(err)
			}
			if got := told(t, name); got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// told reads a file and tells it line by line, without what is as everywhere.
func told(t *testing.T, name string) string {
	t.Helper()
	in, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	f, err := flytoml.Read(in, name)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&out, format+"\n", args...) }
	line("app %q in %q, ends by %s within %v", f.App, f.PrimaryRegion, f.KillSignal, f.KillTimeout)
	line("start %q %q %q, build %q", f.Start.Command, f.Start.Entrypoint, f.Start.Exec, f.Build.Dockerfile)
	line("release %q within %v", f.Deploy.Release.Args, f.Deploy.ReleaseTimeout)
	for _, name := range slices.Sorted(maps.Keys(f.Env)) {
		line("env %s=%s", name, f.Env[name])
	}
	for _, p := range f.Processes {
		line("group %s %q", p.Group, p.Command.Args)
	}
	line("default group %s", f.DefaultGroup())
	for _, m := range f.Mounts {
		line("mount %s at %s for %v", m.Source, m.Destination, m.Groups)
	}
	for _, s := range f.Services {
		line("service %s %d of %v at %v, %s from %d to %d", s.Protocol, s.InternalPort, s.Groups, s.Ports, counted[s.Limits.Type], s.Limits.Soft, s.Limits.Hard)
		for _, o := range set(s.Options) {
			line("  %s", o)
		}
		for _, c := range s.Checks {
			line("  check %+v", c)
		}
	}
	for _, c := range f.Checks {
		line("check %+v", c)
	}
	if s, ok := f.HTTPService(); ok {
		line("requests go to %d", s.InternalPort)
	}
	return out.String()
}

var counted = map[fleet.LimitType]string{fleet.Requests: "requests", fleet.Connections: "connections"}

// set tells those options that a file has set.
func set(o fleet.Options) []string {
	var all []string
	tell := func(is bool, format string, args ...any) {
		if is {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	tell(o.BodyLimit != 0, "body limit %d", o.BodyLimit)
	tell(o.HTTP2, "HTTP/2")
	tell(o.IdleTimeout != 0, "idle timeout %v", o.IdleTimeout)
	tell(o.ForceHTTPS, "force HTTPS")
	tell(o.Pristine, "pristine")
	for _, h := range o.Answer {
		tell(true, "answer %s: %q", h.Name, h.Values)
	}
	for _, s := range o.Sessions {
		tell(true, "replay cache %s for %v by %s%s, bypass %v", s.Pattern, s.TTL, s.Cookie, s.Header, s.AllowBypass)
	}
	return all
}
