package homeward_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"homing/decision"
	"homing/homeward"
	"homing/position"
	"homing/replay"
)

var (
	noon  = time.UnixMicro(1754000000000000)
	stamp = homeward.Stamp{From: "gru", To: "ord", Reason: decision.Stale, At: noon}
)

func request(method, host, target string) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host = host
	return r
}

func stamped(r *http.Request, values ...string) *http.Request {
	r.Header[replay.ForwardedHeader] = values
	return r
}

func TestAStampIsBelieved(t *testing.T) {
	ks := keys(t, secretA)
	value := stamp.Sign(ks, request("GET", "app.test", "/a?b=c"))
	if want := "from=gru;to=ord;reason=stale;t=1754000000000000;mac="; !strings.HasPrefix(value, want) {
		t.Errorf("%q", value)
	}
	// As it is written in the package documentation.
	if want := "homing-forwarded"; !ks.Verify(want, "GET\napp.test\n/a?b=c\nfrom=gru;to=ord;reason=stale;t=1754000000000000", value[strings.Index(value, "mac=")+4:]) {
		t.Errorf("%q is signed otherwise than documented", value)
	}
	withMore := "from=gru;to=ord;reason=stale;t=1754000000000000;new=x"
	withMore += ";mac=" + ks.Sign("homing-forwarded", "GET\napp.test\n/a?b=c\n"+withMore)
	flipped := []byte(value)
	flipped[len(flipped)-2] ^= 1
	get := func() *http.Request { return request("GET", "app.test", "/a?b=c") }
	for _, tt := range []struct {
		name string
		keys position.Keys
		r    *http.Request
		now  time.Time
		err  error
	}{
		{"as it was signed", ks, stamped(get(), value), noon, nil},
		{"with fields of a newer version", ks, stamped(get(), withMore), noon, nil},
		{"just before its end", ks, stamped(get(), value), noon.Add(5 * time.Minute), nil},
		{"by a clock that is behind", ks, stamped(get(), value), noon.Add(-5 * time.Minute), nil},
		{"after its end", ks, stamped(get(), value), noon.Add(5*time.Minute + 1), homeward.ErrExpired},
		{"of the future", ks, stamped(get(), value), noon.Add(-5*time.Minute - 1), homeward.ErrExpired},
		{"by a secret that is no longer the first", keys(t, secretB+","+secretA), stamped(get(), value), noon, nil},
		{"by another secret", keys(t, secretB), stamped(get(), value), noon, homeward.ErrForged},
		{"where there is no secret", position.Keys{}, stamped(get(), value), noon, homeward.ErrForged},
		{"on another path", ks, stamped(request("GET", "app.test", "/b?b=c"), value), noon, homeward.ErrForged},
		{"on another query", ks, stamped(request("GET", "app.test", "/a?b=d"), value), noon, homeward.ErrForged},
		{"on another host", ks, stamped(request("GET", "other.test", "/a?b=c"), value), noon, homeward.ErrForged},
		{"with another method", ks, stamped(request("POST", "app.test", "/a?b=c"), value), noon, homeward.ErrForged},
		{"from elsewhere", ks, stamped(get(), strings.Replace(value, "gru", "ams", 1)), noon, homeward.ErrForged},
		{"for another reason", ks, stamped(get(), strings.Replace(value, "stale", "method", 1)), noon, homeward.ErrForged},
		{"at another time", ks, stamped(get(), strings.Replace(value, "1754", "1755", 1)), noon, homeward.ErrForged},
		{"with another signature", ks, stamped(get(), string(flipped)), noon, homeward.ErrForged},
		{"with a token's signature", ks, stamped(get(), tokenAsStamp(t, ks)), noon, homeward.ErrForged},
		{"twice", ks, stamped(get(), value, value), noon, homeward.ErrMalformed},
		{"empty", ks, stamped(get(), ""), noon, homeward.ErrMalformed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := homeward.ReadStamp(tt.keys, tt.r, tt.now)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if want := stamp; err == nil && got != want || err != nil && !got.IsZero() {
				t.Errorf("got %+v", got)
			}
		})
	}
	if got, err := homeward.ReadStamp(ks, get(), noon); err != nil || !got.IsZero() {
		t.Errorf("without one: %+v, %v", got, err)
	}
}

// tokenAsStamp signs the text of a stamp as if it were a token's.
func tokenAsStamp(t *testing.T, ks position.Keys) string {
	sealed, err := ks.Seal(position.Token{Engine: "x", Position: "y"})
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(sealed, ".")
	return "from=gru;to=ord;reason=stale;t=1754000000000000;mac=" + strings.Join(parts[len(parts)-2:], ".")
}

func TestWhatIsNoStamp(t *testing.T) {
	const good = "from=gru;to=ord;reason=method;t=1"
	for name, fields := range map[string]string{
		"nothing":             "",
		"no region":           "to=ord;reason=method;t=1",
		"no target":           "from=gru;reason=method;t=1",
		"no reason":           "from=gru;to=ord;t=1",
		"no time":             "from=gru;to=ord;reason=method",
		"a field twice":       good + ";t=1",
		"a group of regions":  "from=eu;to=ord;reason=method;t=1",
		"a region in capital": "from=GRU;to=ord;reason=method;t=1",
		"a region with more":  "from=gru gru;to=ord;reason=method;t=1",
		"a reason of nobody":  "from=gru;to=ord;reason=because;t=1",
		"a reason to stay":    "from=gru;to=ord;reason=read;t=1",
		"a time of nobody":    "from=gru;to=ord;reason=method;t=-1",
		"a time beyond":       "from=gru;to=ord;reason=method;t=99999999999999999999",
		"a field that is no":  good + ";x",
		"a nameless field":    good + ";=x",
		"blanks":              "from=gru; to=ord;reason=method;t=1",
		"two signatures":      good + ";mac=x",
		"very long":           good + ";x=" + strings.Repeat("x", 512),
	} {
		ks, r := keys(t, secretA), request("GET", "app.test", "/")
		r.Header.Set(replay.ForwardedHeader, fields+";mac="+ks.Sign("homing-forwarded", "GET\napp.test\n/\n"+fields))
		if got, err := homeward.ReadStamp(ks, r, time.UnixMicro(1)); !errors.Is(err, homeward.ErrMalformed) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// Whatever a stranger sends is refused or means one thing; nothing is believed that
// was not signed.
func FuzzReadStamp(f *testing.F) {
	ks, r := keys(f, secretA), request("GET", "app.test", "/")
	f.Add(stamp.Sign(ks, r))
	f.Add("from=gru;to=ord;reason=method;t=1;mac=3f.AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("from=gru;to=ord;reason=method;t=1;new=x")
	f.Fuzz(func(t *testing.T, value string) {
		if got, err := homeward.ReadStamp(ks, stamped(r, value), noon); err == nil && value != stamp.Sign(ks, r) {
			t.Fatalf("%q is believed: %+v", value, got)
		}
		fields, _, _ := strings.Cut(value, ";mac=")
		signed := fields + ";mac=" + ks.Sign("homing-forwarded", "GET\napp.test\n/\n"+fields)
		got, err := homeward.ReadStamp(ks, stamped(r, signed), noon)
		if err != nil {
			if !got.IsZero() {
				t.Fatalf("%q: %v and %+v", signed, err, got)
			}
			return
		}
		again, err := homeward.ReadStamp(ks, stamped(r, got.Sign(ks, r)), noon)
		if err != nil || again != got {
			t.Fatalf("%q is %+v, which is written and read as %+v, %v", signed, got, again, err)
		}
	})
}
