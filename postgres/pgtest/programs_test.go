package pgtest

import "testing"

func TestVersions(t *testing.T) {
	for text, want := range map[string]version{
		"postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)":          {15, 18},
		"postgres (PostgreSQL) 18.4":                                    {18, 4},
		"postgres (PostgreSQL) 19devel":                                 {19, 0},
		"postgres (PostgreSQL) 19beta2":                                 {19, 2},
		"postgres (PostgreSQL) 19rc1 (Debian 19~rc1-1)":                 {19, 1},
		"PgBouncer 1.18.0\nlibevent 2.1.12-stable\nadns: c-ares 1.18.1": {1, 18},
	} {
		if got, err := parseVersion(text); err != nil || got != want {
			t.Errorf("%q is version %v, %v; want %v", text, got, err, want)
		}
	}
	if v, err := parseVersion("postgres"); err == nil {
		t.Errorf("version %v without a number", v)
	}
	if v := (version{1, 21}); !v.atLeast(v) || !v.atLeast(version{1, 9}) || v.atLeast(version{1, 22}) || v.atLeast(version{2, 0}) {
		t.Error("versions are compared wrongly")
	}
}

func TestTheNewestOfDebiansIsChosen(t *testing.T) {
	a, b := "/usr/lib/postgresql/9.6/bin/postgres", "/usr/lib/postgresql/15/bin/postgres"
	if debianVersion(a) >= debianVersion(b) {
		t.Errorf("%s is not older than %s", a, b)
	}
}

func TestAnErrorIsOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "",
		"LOG: a\nLOG: b\n":            "LOG: b",
		"FATAL: a\nLOG: stopped\n":    "FATAL: a",
		"FATAL: a\nFATAL: b\nHINT: c": "FATAL: b",
		"LOG: paused\nHINT: resume":   "LOG: paused",
		"LOG: unrecognized parameter \"x\"\nFATAL: file \"y\" contains errors": "LOG: unrecognized parameter \"x\"",
	} {
		if got := lastLine(text); got != want {
			t.Errorf("of %q: %q, want %q", text, got, want)
		}
	}
}
