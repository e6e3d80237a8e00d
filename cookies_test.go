package homing

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// cookieLines are lines about which parsers may differ.
var cookieLines = []string{
	"", ";", ";;", " ", "a", "a=1", "a-x=1", "a-x", "a-x=", "=a-x", "a-=1", "a-x=1; a-y=2", "a-x=1;a-y=2", "a-x=1;\ta-y=2", "  a-x=1 ;; a-y=2  ",
	"a-x =1", " a-x\t= 1", "a-x=1 ", "a-x=\"1\"", "a-x=\"1", "a-x=1\"", "a-x=\"\"", "a-x=\"", "a-x=a\"b", "a-x=\"a b\"", "a-x=a b", "a-x=a,b", "a-x=a\\b",
	"a-x=1=2", "a-x==", "a-x=\x00", "a-x=\x7f", "a-x=ä", "a-ä=1", "a-(=1", "a- x=1", "A-x=1", "b=1; a-x=2; b-a-x=3", "a-x=1, a-y=2", "a-x=1\u00a0", "\u00a0a-x=1",
	"a-!#$%&'*+-.^_`|~09azAZ=1", "a-x=1;\x00", "a-x=1\r\n;a-y=2", "a-\x80=1",
}

// likeNetHTTP compares what we find in a line with what net/http finds.
func likeNetHTTP(t *testing.T, line string) {
	t.Helper()
	if strings.Count(line, ";") >= 2000 {
		return // net/http then says that there are none
	}
	var got, want []string
	for name, value := range cookiesWith("a-", line) {
		got = append(got, name, value)
	}
	r := http.Request{Header: http.Header{"Cookie": {line}}}
	for _, c := range r.Cookies() {
		if strings.HasPrefix(c.Name, "a-") {
			want = append(want, c.Name, c.Value)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q: got %q, net/http has %q", line, got, want)
	}
}

func TestCookiesAreThoseOfNetHTTP(t *testing.T) {
	for _, line := range cookieLines {
		likeNetHTTP(t, line)
	}
	for c := range 256 { // each byte, where a name and where a value may have it
		s := string([]byte{byte(c)})
		likeNetHTTP(t, "a-"+s+"=1")
		likeNetHTTP(t, s+"a-x="+s+"1"+s+"; a-y=2")
	}
}

func FuzzCookiesAgainstNetHTTP(f *testing.F) {
	for _, line := range cookieLines {
		f.Add(line)
	}
	f.Fuzz(likeNetHTTP)
}

func TestFindingCookiesMayStop(t *testing.T) {
	n := 0
	for range cookiesWith("a-", "a-x=1; a-y=2; a-z=3") {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d cookies", n)
	}
}
