package flytoml_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"homing/fleet"
	"homing/flytoml"
	"homing/region"
)

const (
	headersTable = "[http_service.http_options.response.headers]\n"
	cacheTable   = "[[http_service.http_options.replay_cache]]\n"
)

// wrong are files with what is to be said about them.
var wrong = []struct{ name, file, want string }{
	{"a key twice", "app = 'a'\napp = 'b'\n", "fly.toml:2:1: key app is already defined"},
	{"a list that is not closed", "a = [1,\n", "fly.toml:1:8: array is incomplete"},
	{"something behind a value; columns are characters", "x = 'é' y\n", "fly.toml:1:9: expected newline but got U+0079 'y'"},
	{"no value, with the line ends of Windows", "\r\n\r\napp =\r\n", "fly.toml:3:6: unexpected character U+000D at start of value"},
	{"a number for text", "app = 5", "fly.toml:1:7: app: want text, not a number"},
	{"a placeholder for a name", "app = '<your app>'", `fly.toml:1:7: app: app name "<your app>": want 1 to 64 letters, digits, '-', '_' or '.'`},
	{"a region with a slip", "primary_region = 'gur'", `fly.toml:1:18: primary_region: did you mean "gru" (São Paulo)? No region is called "gur"; one of your own needs a name less like it, such as "gur-1"`},
	{"a group of regions", "primary_region = 'eu'", "fly.toml:1:18: primary_region: want one region, and eu is a group of them"},
	{"several regions", "primary_region = 'iad, ord'", `fly.toml:1:18: primary_region: region "iad, ord": want 2 to 32 of a-z, 0-9 and '-', starting with a letter, such as "ord"`},
	{"an old place with a slip", "[env]\nPRIMARY_REGION = 'aims'", `fly.toml:2:18: env.PRIMARY_REGION: did you mean "ams" (Amsterdam)? No region is called "aims"; one of your own needs a name less like it, such as "aims-1"`},
	{"an unknown signal", "kill_signal = 'TERM'", `fly.toml:1:15: kill_signal: want a signal such as "SIGTERM", not "TERM"`},
	{"a duration without a unit", "kill_timeout = '5'", `fly.toml:1:16: kill_timeout: want a duration such as "10s", or a number of seconds, not "5"`},
	{"a negative duration", "kill_timeout = -1", `fly.toml:1:16: kill_timeout: want a duration such as "10s", or a number of seconds, not -1`},
	{"a duration beyond counting", "kill_timeout = 1e300", `fly.toml:1:16: kill_timeout: want a duration such as "10s", or a number of seconds, not 1e300`},
	{"a check's duration", "[[http_service.checks]]\ninterval = true", `fly.toml:2:12: http_service.checks.interval: want a duration such as "10s", or a number of milliseconds, not true`},
	{"a section that is a value", "deploy = 'now'", "fly.toml:1:10: deploy: want a table, not text"},
	{"a section that is a list", "[[http_service]]", "fly.toml:1:3: http_service: want a table, not a list"},
	{"services that are a value", "services = 80", "fly.toml:1:12: services: want a table or a list of tables, not a number"},
	{"a service that is a value", "services = [80, [[1]]]", "fly.toml:1:12: services: want a table, not a list\nfly.toml:1:13: services: want a table, not a number"},
	{"variables that are a value", "env = 5", "fly.toml:1:7: env: want a table or a list of tables, not a number"},
	{"after a byte order mark, which nobody sees", "\ufeffapp = 5", "fly.toml:1:7: app: want text, not a number"},
	{"a variable that is a table, whose value may be a secret", "[env]\nspring.password = 'hush'", `fly.toml:2:1: env.spring: want text, a number or true or false, not a table; a name with a dot needs quotes: "a.b" = "c"`},
	{"a variable that is a list", "[env]\nA = ['hush']", "fly.toml:2:5: env.A: want text, a number or true or false, not a list"},
	{"a variable that no environment can hold", "[env]\n'A=B' = \"\"\nC = \"\\u0000\"", "fly.toml:2:9: env.A=B: a variable's name cannot be empty, nor hold \"=\" or NUL\nfly.toml:3:5: env.C: cannot hold a NUL character"},
	{"groups that are a value", "processes = 'web'", "fly.toml:1:13: processes: want a table of commands by group, not text"},
	{"a command that is a list", "[processes]\nweb = ['serve']", "fly.toml:2:7: processes.web: want text, not a list"},
	{"a group without a name", "[processes]\n'' = 'serve'", "fly.toml:2:6: processes.: want a name for the group"},
	{"an open quote", "[processes]\nweb = 'echo \"hush'", "fly.toml:2:7: processes.web: the command has a quote that is not closed"},
	{"a backslash at the end", `deploy.release_command = 'a \'`, "fly.toml:1:26: deploy.release_command: the command ends with a backslash, which nothing follows"},
	{"a service for a group that is not there", "[processes]\nweb = ''\njobs = ''\n[http_service]\nprocesses = ['web', 'wep']", `fly.toml:5:21: http_service.processes: want a group of [processes] ("web" or "jobs"), not "wep"`},
	{"groups that are no list", "[http_service]\nprocesses = 'app'", "fly.toml:2:13: http_service.processes: want a list of texts, not text"},
	{"no port", "[http_service]\ninternal_port = 0", "fly.toml:2:17: http_service.internal_port: want a port from 1 to 65535, not 0"},
	{"a port beyond all", "services.internal_port = '65536'", `fly.toml:1:26: services.internal_port: want a port from 1 to 65535, not "65536"`},
	{"part of a port", "services.internal_port = 80.5", "fly.toml:1:26: services.internal_port: want a port from 1 to 65535, not 80.5"},
	{"an unknown protocol", "services.protocol = 'http'", `fly.toml:1:21: services.protocol: want "tcp" or "udp", not "http"`},
	{"a public port without a number", "[[services]]\n[[services.ports]]\nhandlers = ['http']", "fly.toml:2:12: services.ports: want a port, or a start_port and an end_port"},
	{"a range that runs backwards", "[[services.ports]]\nstart_port = 9\nend_port = 8", "fly.toml:3:12: services.ports.end_port: want a port from 9 on, where the range starts, not 8"},
	{"a flag that is text", "http_service.force_https = 'yes'", `fly.toml:1:28: http_service.force_https: want true or false, not "yes"`},
	{"an unknown kind of limit", "[http_service.concurrency]\ntype = 'donuts'\nsoft_limit = -1", "fly.toml:2:8: http_service.concurrency.type: want \"connections\" or \"requests\", not \"donuts\"\nfly.toml:3:14: http_service.concurrency.soft_limit: want a whole number from 0 on, not -1"},
	{"old limits that are none", "services.concurrency = '20'", `fly.toml:1:24: services.concurrency: want a table, or limits such as "20,25", not "20"`},
	{"limits that are a number", "services.concurrency = 20", "fly.toml:1:24: services.concurrency: want a table, not a number"},
	{"a header that frames", headersTable + "Connection = 'x'", `fly.toml:2:14: http_service.http_options.response.headers.Connection: the answer's header "Connection" cannot be changed`},
	{"a header that is to be there somehow", headersTable + "X-A = true", "fly.toml:2:7: http_service.http_options.response.headers.X-A: want text, a list of texts, or false to remove the header"},
	{"a header of two lines", headersTable + `X-A = "a\nhush"`, "fly.toml:2:7: http_service.http_options.response.headers.X-A: the answer's header X-A: a value holds a control character"},
	{"a cache that is too short, by nothing known", cacheTable + "path_prefix = '/a?b'\nttl_seconds = 5\ntype = 'ip'", "fly.toml:2:15: http_service.http_options.replay_cache.path_prefix: cannot hold \"?\", \"#\", or a \"*\" before its end\nfly.toml:3:15: http_service.http_options.replay_cache.ttl_seconds: want at least 10s, not 5s\nfly.toml:4:8: http_service.http_options.replay_cache.type: want \"cookie\" or \"header\", not \"ip\""},
	{"a cache without a key", cacheTable + "path_prefix = '/a'\nttl_seconds = 60\ntype = 'cookie'", "fly.toml:1:29: http_service.http_options.replay_cache: replay cache for /a/*: want the name of a cookie or of a header, and not both"},
	{"a check without a type", "[checks.alive]\nport = 80", `fly.toml:1:9: checks.alive: want a type: "http" or "tcp"`},
	{"a check of another type", "[checks.alive]\ntype = 'script'", `fly.toml:2:8: checks.alive.type: want "http" or "tcp", not "script"`},
	{"a check that is none", "[checks]\nalive = true", "fly.toml:2:9: checks.alive: want a table, not true or false"},
	{"checks without a name", "[[checks]]\ntype = 'tcp'", "fly.toml:1:3: checks: want a name"},
	{"a check's header without a name", "http_service.checks = [{ headers = [{ value = 'hush' }] }]", "fly.toml:1:37: http_service.checks.headers: want a name and a value"},
	{"several, in the order of the file", "[http_service]\ninternal_port = -1\n[deploy]\nrelease_command = 1\n[env]\nA = []", "fly.toml:2:17: http_service.internal_port: want a port from 1 to 65535, not -1\nfly.toml:4:19: deploy.release_command: want text, not a number\nfly.toml:6:5: env.A: want text, a number or true or false, not a list"},
}

func TestWhatIsWrong(t *testing.T) {
	for _, tt := range wrong {
		t.Run(tt.name, func(t *testing.T) {
			f, err := flytoml.Read(strings.NewReader(tt.file), "fly.toml")
			if f != nil || err == nil || err.Error() != tt.want {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Error("the error repeats what may be a secret")
			}
		})
	}
}

func TestAnErrorHasItsParts(t *testing.T) {
	_, err := flytoml.Read(strings.NewReader("\n[http_service]\n  internal_port = 0"), "apps/fly.toml")
	var got *flytoml.Error
	if !errors.As(err, &got) {
		t.Fatalf("%v is no Error", err)
	}
	want := flytoml.Error{File: "apps/fly.toml", Line: 3, Column: 19, Key: "http_service.internal_port", Text: "want a port from 1 to 65535, not 0"}
	if *got != want {
		t.Errorf("%+v, want %+v", *got, want)
	}
}

func TestALongValueIsShownInPart(t *testing.T) {
	_, err := flytoml.Read(strings.NewReader("kill_timeout = '"+strings.Repeat("x", 5000)+"'"), "fly.toml")
	if err == nil || len(err.Error()) > 300 || !strings.HasSuffix(err.Error(), `xx"…`) {
		t.Errorf("%.400v", err)
	}
}

func TestWhatIsNoFile(t *testing.T) {
	if _, err := flytoml.Read(strings.NewReader(strings.Repeat("#\n", 1<<19)+"#"), "big.toml"); err == nil || err.Error() != "big.toml: it has more than 1 MiB: is it a fly.toml?" {
		t.Errorf("%v", err)
	}
	if _, err := flytoml.Read(strings.NewReader(strings.Repeat("#\n", 1<<19)), "big.toml"); err != nil {
		t.Errorf("a file of 1 MiB: %v", err)
	}
	gone := errors.New("gone")
	if _, err := flytoml.Read(iotest.ErrReader(gone), "fly.toml"); !errors.Is(err, gone) || !strings.HasPrefix(err.Error(), "fly.toml: ") {
		t.Errorf("%v", err)
	}
}

func TestNestingWithoutEnd(t *testing.T) {
	for _, file := range []string{
		"a = " + strings.Repeat("[", 1<<19), "a = " + strings.Repeat("{a=", 1<<18), "[" + strings.Repeat("a.", 1<<15) + "a]",
		"env." + strings.Repeat("a.", 1<<15) + "a = 1",
	} {
		if f, err := flytoml.Read(strings.NewReader(file), "fly.toml"); f == nil && err == nil {
			t.Errorf("%.20s: neither a file nor an error", file)
		}
	}
}

func TestRegions(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		want       region.Code
	}{
		{"a known one", "primary_region = 'nrt'", "nrt"},
		{"in capitals", "primary_region = 'NRT'", "nrt"},
		{"one of one's own", "primary_region = 'fra-1'", "fra-1"},
		{"a city, which may be one's own", "primary_region = 'london'", "london"},
		{"a short one like no other", "primary_region = 'zrh'", "zrh"},
		{"none", "", ""},
		{"none yet", "primary_region = ''", ""},
		{"where it once was", "[env]\nPRIMARY_REGION = 'nrt'", "nrt"},
		{"in both places", "primary_region = 'nrt'\n[env]\nPRIMARY_REGION = 'nowhere at all'", "nrt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := flytoml.Read(strings.NewReader(tt.file), "fly.toml")
			if err != nil || f.PrimaryRegion != tt.want {
				t.Errorf("%+v, %v; want %q", f, err, tt.want)
			}
		})
	}
}

func TestCommands(t *testing.T) {
	for _, tt := range []struct {
		name, command string
		want          []string
	}{
		{"nothing", "  ", nil},
		{"words", " serve\t--port  80\n", []string{"serve", "--port", "80"}},
		{"quotes", `sh -c 'exec "$0" a' "b c"d`, []string{"sh", "-c", `exec "$0" a`, "b cd"}},
		{"an empty word", `a "" b`, []string{"a", "", "b"}},
		{"a backslash", `a\ b "c\"d" 'e\f'`, []string{"a b", `c"d`, `e\f`}},
		{"a comment, to the end of its line", "a # b 'c\nd#e", []string{"a", "d#e"}},
		{"no shell", "a && b > c; $D", []string{"a", "&&", "b", ">", "c;", "$D"}},
		{"letters beyond ASCII", "grüß 'dich " + "\u3000" + "'", []string{"grüß", "dich \u3000"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := flytoml.Read(strings.NewReader("[processes]\napp = '''"+tt.command+"'''"), "fly.toml")
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Processes[0].Command; !slices.Equal(got.Args, tt.want) || got.Text != tt.command {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

// acceptable checks what a caller may take for granted.
func acceptable(t *testing.T, f *flytoml.File) {
	t.Helper()
	if len(f.Processes) == 0 || f.KillTimeout <= 0 || f.Deploy.ReleaseTimeout <= 0 || f.KillSignal == "" {
		t.Fatalf("no defaults: %+v", f)
	}
	if !slices.ContainsFunc(f.Processes, func(p flytoml.Process) bool { return p.Group == f.DefaultGroup() }) {
		t.Fatalf("the default group is none: %+v", f)
	}
	for _, s := range f.Services {
		for _, p := range append(s.Ports, flytoml.Port{First: s.InternalPort, Last: s.InternalPort}) {
			if p.First < 1 || p.Last < p.First || p.Last > 65535 {
				t.Fatalf("port %+v", p)
			}
		}
		if len(s.Groups) == 0 || s.Protocol == "" || s.Limits.Soft < 0 || s.Limits.Hard < 0 {
			t.Fatalf("service %+v", s)
		}
		if err := fleet.New(nil).SetApps(fleet.App{Name: "app", Options: s.Options}); err != nil {
			t.Fatalf("the fleet refuses options: %v", err)
		}
	}
}
