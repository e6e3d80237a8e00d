package machine_test

import (
	"strings"
	"testing"

	"homing/machine"
)

var idCases = []struct {
	name string
	in   string
	ok   bool
}{
	{"as on Fly", "9020ee72fd7948", true},
	{"one letter", "a", true},
	{"every kind of character", "Web-1_b.2", true},
	{"the longest", strings.Repeat("a", 64), true},
	{"empty", "", false},
	{"one too long", strings.Repeat("a", 65), false},
	{"a blank", "web 1", false},
	{"a blank at the end", "web-1 ", false},
	{"a separator of the replay header", "a;region=ord", false},
	{"a comma", "a,b", false},
	{"a slash", "a/b", false},
	{"a new line", "a\nb", false},
	{"letters outside ASCII", "müller", false},
	{"a letter that looks like ASCII in one byte", "a\xe9", false},
	{"a rune whose low byte is a dot", "a\u012e", false},
}

func TestParseIDAndParseApp(t *testing.T) {
	for _, tt := range idCases {
		t.Run(tt.name, func(t *testing.T) {
			id, idErr := machine.ParseID(tt.in)
			app, appErr := machine.ParseApp(tt.in)
			if (idErr == nil) != tt.ok || (appErr == nil) != tt.ok {
				t.Errorf("%q: errors %v and %v, want it accepted: %v", tt.in, idErr, appErr, tt.ok)
			}
			want := ""
			if tt.ok {
				want = tt.in
			}
			if string(id) != want || string(app) != want {
				t.Errorf("%q is read as %q and %q, want it unchanged or empty", tt.in, id, app)
			}
		})
	}
}

func TestANameErrorShowsTheStartOfTheInput(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for what, parse := range map[string]func(string) error{
		"machine ID": func(s string) error { _, err := machine.ParseID(s); return err },
		"app name":   func(s string) error { _, err := machine.ParseApp(s); return err },
	} {
		if err := parse("a b"); err == nil || !strings.Contains(err.Error(), what+` "a b": want 1 to 64`) {
			t.Errorf("the error is %v", err)
		}
		if err := parse(long); err == nil || len(err.Error()) > 300 {
			t.Errorf("%s: an error of %d bytes", what, len(err.Error()))
		}
	}
}

// The spelled-out rule of the type's comment, to hold against the loop.
const idAlphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

func FuzzParseID(f *testing.F) {
	for _, tt := range idCases {
		f.Add(tt.in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := machine.ParseID(s)
		want := len(s) >= 1 && len(s) <= 64 && strings.Trim(s, idAlphabet) == ""
		for i := range len(s) {
			want = want && strings.IndexByte(idAlphabet, s[i]) >= 0
		}
		if (err == nil) != want || want && string(id) != s || !want && id != "" {
			t.Fatalf("ParseID(%q) = %q, %v", s, id, err)
		}
		if _, appErr := machine.ParseApp(s); (appErr == nil) != want {
			t.Fatalf("ParseApp(%q): %v, but ParseID: %v", s, appErr, err)
		}
	})
}

func TestRolesAreReadAsTheyAreWritten(t *testing.T) {
	for role, want := range map[machine.Role]string{
		machine.None: "none", machine.Replica: "replica", machine.Primary: "primary", machine.Role(9): "none",
	} {
		if got := role.String(); got != want {
			t.Errorf("role %d is written %q, want %q", role, got, want)
		}
		if got := machine.ParseRole(want); got != role && role <= machine.Primary {
			t.Errorf("%q is read as %d, want %d", want, got, role)
		}
	}
	// A role we do not know must never be taken for a primary.
	for _, s := range []string{"", "Primary", "PRIMARY", "primary ", "leader"} {
		if got := machine.ParseRole(s); got != machine.None {
			t.Errorf("%q is read as %v, want none", s, got)
		}
	}
	if zero := *new(machine.Role); zero != machine.None {
		t.Errorf("the zero role is %v", zero)
	}
}
