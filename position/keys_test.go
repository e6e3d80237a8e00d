package position_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/position"
)

const (
	secretA = "a secret of enough bytes"
	secretB = "another secret as long as it"
	secretC = "a third one that is never ours"
)

// keys fails the test instead of returning an error.
func keys(t testing.TB, list string) position.Keys {
	t.Helper()
	ks, err := position.ParseKeys(list)
	if err != nil {
		t.Fatalf("ParseKeys: %v", err)
	}
	return ks
}

func seal(t testing.TB, ks position.Keys, token position.Token) string {
	t.Helper()
	s, err := ks.Seal(token)
	if err != nil {
		t.Fatalf("Seal(%+v): %v", token, err)
	}
	return s
}

// tokens are those that any database of ours may hand out, and stranger ones.
var tokens = map[string]position.Token{
	"an LSN":                       {Engine: "postgres", Epoch: "7:7412", Position: "0/16B3748"},
	"a transaction ID":             {Engine: "sqlite", Epoch: "9f", Position: "000000000000000b"},
	"a GTID set":                   {Engine: "mysql", Epoch: "e", Position: "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-77,4350f323-7f4e:1"},
	"an epoch that is not known":   {Engine: "sqlite", Position: "b"},
	"dots in every field":          {Engine: "a.b", Epoch: "..", Position: "1.5"},
	"percent signs":                {Engine: "%", Epoch: "%41", Position: "%%25"},
	"bytes no cookie may hold":     {Engine: "x", Epoch: `";, \`, Position: "\x00\r\n\t\x7f"},
	"bytes that are no text":       {Engine: "x", Epoch: "\xff\xfe", Position: "é日"},
	"a position spelled window":    {Engine: "x", Epoch: "window", Position: "window"},
	"a window":                     {HomeUntil: time.UnixMilli(1_790_000_000_123)},
	"the first moment of a window": {HomeUntil: time.UnixMilli(1)},
}

// same compares tokens; a time read from the wire is another pointer to the same moment.
func same(a, b position.Token) bool {
	return a.Engine == b.Engine && a.Epoch == b.Epoch && a.Position == b.Position && a.HomeUntil.Equal(b.HomeUntil)
}

func TestATokenIsReadAsItWasWritten(t *testing.T) {
	for name, want := range tokens {
		for _, list := range []string{"", secretA, secretA + "," + secretB} {
			t.Run(fmt.Sprintf("%s, keys %v", name, keys(t, list)), func(t *testing.T) {
				ks := keys(t, list)
				s := seal(t, ks, want)
				got, err := ks.Open(s)
				if err != nil || !same(got, want) {
					t.Errorf("Open(%q) = %+v, %v; want %+v", s, got, err, want)
				}
			})
		}
	}
}

// cookieSafe is the cookie-octet of RFC 6265 §4.1.1.
func cookieSafe(c byte) bool {
	return c == 0x21 || 0x23 <= c && c <= 0x2b || 0x2d <= c && c <= 0x3a || 0x3c <= c && c <= 0x5b || 0x5d <= c && c <= 0x7e
}

func TestEveryByteOfATokenMayStandInACookie(t *testing.T) {
	for b := range 256 {
		for _, list := range []string{"", secretA} {
			s := seal(t, keys(t, list), position.Token{Engine: "x", Epoch: position.Epoch([]byte{byte(b)}), Position: position.Position([]byte{byte(b), 'z'})})
			for i := range len(s) {
				if !cookieSafe(s[i]) {
					t.Errorf("byte %#x is written as %q, which holds %q", b, s, s[i])
				}
			}
		}
	}
}

func TestAWindowIsWrittenInMilliseconds(t *testing.T) {
	until := time.Unix(1_790_000_000, 123_456_789)
	got, err := position.Keys{}.Open(seal(t, position.Keys{}, position.Token{HomeUntil: until}))
	if err != nil || !got.IsWindow() || !got.HomeUntil.Equal(until.Truncate(time.Millisecond)) {
		t.Errorf("%v came back as %+v, %v", until, got, err)
	}
}

func TestSealRefusesWhatOpenWouldNotRead(t *testing.T) {
	for name, token := range map[string]position.Token{
		"the zero token":              {},
		"no position":                 {Engine: "sqlite", Epoch: "e"},
		"no engine":                   {Position: "b"},
		"an engine called window":     {Engine: "window", Position: "5"},
		"a window that ended in 1970": {HomeUntil: time.UnixMilli(0)},
		"a window before 1970":        {HomeUntil: time.UnixMilli(-5)},
	} {
		t.Run(name, func(t *testing.T) {
			if s, err := (position.Keys{}).Seal(token); !errors.Is(err, position.ErrMalformed) || s != "" {
				t.Errorf("Seal = %q, %v; want ErrMalformed", s, err)
			}
		})
	}
}

func TestATokenIsAtMost512Bytes(t *testing.T) {
	for _, list := range []string{"", secretA} {
		ks := keys(t, list)
		room := position.MaxTokenLen - len(seal(t, ks, position.Token{Engine: "x", Position: "p"})) + 1
		longest := position.Token{Engine: "x", Position: position.Position(strings.Repeat("p", room))}
		s := seal(t, ks, longest)
		if len(s) != position.MaxTokenLen {
			t.Fatalf("the longest token has %d bytes, want %d", len(s), position.MaxTokenLen)
		}
		if got, err := ks.Open(s); err != nil || !same(got, longest) {
			t.Errorf("the longest token was not read: %v", err)
		}
		longest.Position += "p"
		if s, err := ks.Seal(longest); !errors.Is(err, position.ErrTooLong) || s != "" {
			t.Errorf("Seal of one byte more = %q, %v; want ErrTooLong", s, err)
		}
		if _, err := ks.Open(s + "p"); !errors.Is(err, position.ErrTooLong) {
			t.Errorf("Open of one byte more: %v, want ErrTooLong", err)
		}
	}
}

func TestOpen(t *testing.T) {
	ours := keys(t, secretA)
	signed := seal(t, ours, position.Token{Engine: "sqlite", Epoch: "e", Position: "b"})
	cases := []struct {
		name string
		in   string
		want error
	}{
		{"empty", "", position.ErrMalformed},
		{"not a token", "hello", position.ErrMalformed},
		{"too few fields", "1.sqlite.e", position.ErrMalformed},
		{"half a signature", "1.sqlite.e.b.07", position.ErrMalformed},
		{"too many fields", signed + ".x", position.ErrMalformed},
		{"a version to come", "2.sqlite.e.b", position.ErrMalformed},
		{"no engine", "1..e.b", position.ErrMalformed},
		{"no position", "1.sqlite.e.", position.ErrMalformed},
		{"a byte that should be escaped", "1.sqlite.e.0/16", position.ErrMalformed},
		{"an escape cut short", "1.sqlite.e.b%2", position.ErrMalformed},
		{"an escape that is no number", "1.sqlite.e.b%GG", position.ErrMalformed},
		{"an escape in lower case", "1.sqlite.e.0%2f16", position.ErrMalformed},
		{"an escape of a byte that needs none", "1.sqlite.e.%41", position.ErrMalformed},
		{"an escaped engine called window", "1.%77indow.e.5", position.ErrMalformed},
		{"a bad escape in the engine", "1.%.e.b", position.ErrMalformed},
		{"a bad escape in the epoch", "1.x.%4.b", position.ErrMalformed},
		{"a window with an epoch", "1.window.e.5", position.ErrMalformed},
		{"a window without a number", "1.window..soon", position.ErrMalformed},
		{"a window at no time", "1.window..0", position.ErrMalformed},
		{"a window in the past of 1970", "1.window..-5", position.ErrMalformed},
		{"a window with a sign", "1.window..+5", position.ErrMalformed},
		{"a window with a leading zero", "1.window..05", position.ErrMalformed},
		{"a window past 64 bits", "1.window..9223372036854775808", position.ErrMalformed},
		{"too long", strings.Repeat("a", 1<<20), position.ErrTooLong},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			got, err := position.Keys{}.Open(tt.in)
			if !errors.Is(err, tt.want) || !same(got, position.Token{}) {
				t.Errorf("Open(%q) = %+v, %v; want %v", tt.in, got, err, tt.want)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\n") {
				t.Errorf("the error has several lines: %q", err)
			}
		})
	}
}

func TestOnlyOurKeysOpen(t *testing.T) {
	token := position.Token{Engine: "sqlite", Epoch: "e", Position: "b"}
	ours := seal(t, keys(t, secretA), token)
	body, mac := ours[:len("1.sqlite.e.b")], ours[strings.LastIndexByte(ours, '.')+1:]
	for _, tt := range []struct {
		name string
		keys string
		in   string
		want error
	}{
		{"the key that signed", secretA, ours, nil},
		{"rotated: the old key still verifies", secretB + "," + secretA, ours, nil},
		{"blanks around the secrets", " " + secretB + " , " + secretA + "\t", ours, nil},
		{"before the new key arrived here", secretA, seal(t, keys(t, secretB+","+secretA), token), position.ErrForged},
		{"rotated out", secretB, ours, position.ErrForged},
		{"a wrong key", secretC, ours, position.ErrForged},
		{"not signed", secretA, body, position.ErrForged},
		{"a window that is not signed", secretA, "1.window..5", position.ErrForged},
		{"no key number", secretA, body + ".." + mac, position.ErrForged},
		{"no signature", secretA, ours[:len(ours)-len(mac)], position.ErrForged},
		{"half a signature", secretA, ours[:len(ours)-len(mac)/2], position.ErrForged},
		{"a signature with padding", secretA, ours + "==", position.ErrForged},
		{"another position", secretA, strings.Replace(ours, ".b.", ".c.", 1), position.ErrForged},
		{"without keys here nobody is refused", "", ours, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := keys(t, tt.keys).Open(tt.in)
			want := token
			if tt.want != nil {
				want = position.Token{}
			}
			if !errors.Is(err, tt.want) || !same(got, want) {
				t.Errorf("Open(%q) = %+v, %v; want %v", tt.in, got, err, tt.want)
			}
		})
	}
}

func TestTheFirstKeySigns(t *testing.T) {
	token := tokens["an LSN"]
	if a, ab := seal(t, keys(t, secretA), token), seal(t, keys(t, secretA+","+secretB), token); a != ab {
		t.Errorf("signed by the first of two it is %q, by the first alone %q", ab, a)
	}
	if ab, ba := seal(t, keys(t, secretA+","+secretB), token), seal(t, keys(t, secretB+","+secretA), token); ab == ba {
		t.Error("the order of the secrets makes no difference")
	}
}

// One token is signed under every flip of one bit, in each of its bytes.
func TestATokenWithAFlippedBitIsRefused(t *testing.T) {
	ks := keys(t, secretA+","+secretB)
	for name, token := range tokens {
		s := seal(t, ks, token)
		for i := range len(s) {
			for bit := range 8 {
				flipped := []byte(s)
				flipped[i] ^= 1 << bit
				if got, err := ks.Open(string(flipped)); err == nil {
					t.Fatalf("%s: %q opens to %+v though %q was signed", name, flipped, got, s)
				}
			}
		}
	}
}

func TestParseKeys(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		count    string // what String says
		want     string // part of the error
	}{
		{"empty is no keys", "", "none", ""},
		{"blank is no keys", " \t\n", "none", ""},
		{"one", secretA, "1, hidden", ""},
		{"two", secretA + "," + secretB, "2, hidden", ""},
		{"the shortest", "0123456789abcdef", "1, hidden", ""},
		{"one byte too short", "0123456789abcde", "none", "secret 1 of the list has 15 bytes; want at least 16"},
		{"blanks do not make it longer", "0123456789abcde  ", "none", "secret 1 of the list has 15 bytes"},
		{"an empty one", secretA + ",," + secretB, "none", "secret 2 of the list has 0 bytes"},
		{"a comma too many", secretA + ",", "none", "secret 2 of the list has 0 bytes"},
		{"the same twice", secretA + "," + secretA, "none", "secret 2 of the list has the same key number"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ks, err := position.ParseKeys(tt.in)
			if ks.String() != tt.count || ks.IsZero() != (tt.count == "none") {
				t.Errorf("keys are %v, IsZero %v; want %s", ks, ks.IsZero(), tt.count)
			}
			if (err != nil) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestErrorsNeverQuoteASecret(t *testing.T) {
	for _, list := range []string{"hunter2", secretA + ",hunter2", "hunter2hunter2hunter2,hunter2hunter2hunter2"} {
		if _, err := position.ParseKeys(list); err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), secretA) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestKeysAreNeverShown(t *testing.T) {
	ks := keys(t, secretA+","+secretB)
	nested := struct {
		Keys   position.Keys
		hidden position.Keys
		behind *position.Keys
	}{ks, ks, &ks}
	seal(t, ks, tokens["an LSN"]) // so that a pooled hash holds the secret too
	var shown strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+"\n", ks)
		fmt.Fprintf(&shown, verb+"\n", &ks)
		fmt.Fprintf(&shown, verb+"\n", nested)
	}
	//lint:ignore SA9005 that nothing of it is shown is what is tested
	asJSON, err := json.Marshal(nested.Keys)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(asJSON)
	slog.New(slog.NewTextHandler(&shown, nil)).Info("keys", "keys", ks, "nested", nested)
	slog.New(slog.NewJSONHandler(&shown, nil)).Info("keys", "keys", ks)
	for _, secret := range []string{secretA, secretB, "a secret", "another"} {
		for _, form := range []string{secret, fmt.Sprintf("%x", secret), fmt.Sprint([]byte(secret))} {
			if strings.Contains(shown.String(), form) {
				t.Errorf("a secret is shown as %q in\n%s", form, &shown)
			}
		}
	}
}

func TestKeysMayBeUsedByMany(t *testing.T) {
	ks := keys(t, secretA)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 200 {
				want := position.Token{Engine: "x", Position: position.Position(fmt.Sprint(i, j))}
				s, err := ks.Seal(want)
				if err != nil {
					t.Errorf("Seal: %v", err)
				}
				if got, err := ks.Open(s); err != nil || !same(got, want) {
					t.Errorf("Open(%q) = %+v, %v", s, got, err)
				}
			}
		})
	}
	all.Wait()
}

func FuzzOpen(f *testing.F) {
	ks, unsigned := keys(f, secretA+","+secretB), position.Keys{}
	for _, token := range tokens {
		f.Add(seal(f, ks, token), uint(3))
		f.Add(seal(f, unsigned, token), uint(3))
	}
	f.Add("1.window..-5", uint(0))
	f.Add("1.x.%2f.b", uint(99))
	f.Fuzz(func(t *testing.T, s string, at uint) {
		if token, err := unsigned.Open(s); err == nil {
			again := seal(t, unsigned, token)
			// Without keys a signature is read over and not written again.
			if !strings.HasPrefix(s, again) || strings.Count(s, ".") == 3 && s != again {
				t.Fatalf("%q opens to %+v, which is written %q", s, token, again)
			}
			signed, err := ks.Seal(token)
			if err != nil {
				return // too long with a signature
			}
			if got, err := ks.Open(signed); err != nil || !same(got, token) {
				t.Fatalf("%q, signed, opens to %+v, %v; want %+v", signed, got, err, token)
			}
			flipped := []byte(signed)
			flipped[at%uint(len(signed))] ^= 1 << (at % 8)
			if got, err := ks.Open(string(flipped)); err == nil {
				t.Fatalf("%q opens to %+v though %q was signed", flipped, got, signed)
			}
		}
		if token, err := ks.Open(s); err == nil {
			old := keys(t, secretB)
			if a, b := seal(t, ks, token), seal(t, old, token); s != a && s != b {
				t.Fatalf("%q opens to %+v, which is sealed %q or %q", s, token, a, b)
			}
		}
	})
}
