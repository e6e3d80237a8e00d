package position_test

import (
	"strings"
	"testing"

	"homing/position"
)

func TestASignatureIsOfOneTextForOnePurpose(t *testing.T) {
	ks, rotated, others := keys(t, secretA), keys(t, secretB+","+secretA), keys(t, secretB)
	s := ks.Sign("a purpose", "a text")
	for _, tt := range []struct {
		name               string
		keys               position.Keys
		purpose, text, sig string
		want               bool
	}{
		{"as it was signed", ks, "a purpose", "a text", s, true},
		{"after another secret has become the first", rotated, "a purpose", "a text", s, true},
		{"another secret alone", others, "a purpose", "a text", s, false},
		{"no secret", position.Keys{}, "a purpose", "a text", s, false},
		{"no secret and no signature", position.Keys{}, "a purpose", "a text", "", false},
		{"another text", ks, "a purpose", "a text ", s, false},
		{"another purpose", ks, "a Purpose", "a text", s, false},
		{"the purpose's end in the text", ks, "a", " purposea text", s, false},
		{"cut short", ks, "a purpose", "a text", s[:len(s)-1], false},
		{"without its key", ks, "a purpose", "a text", s[strings.Index(s, ".")+1:], false},
		{"none", ks, "a purpose", "a text", "", false},
	} {
		if got := tt.keys.Verify(tt.purpose, tt.text, tt.sig); got != tt.want {
			t.Errorf("%s: valid %v, want %v", tt.name, got, tt.want)
		}
	}
	if s := (position.Keys{}).Sign("a purpose", "a text"); s != "" {
		t.Errorf("without a secret: %q", s)
	}
}

// What one of both signs must not pass for the other, whatever the purpose is called.
func TestATokenIsNoSignature(t *testing.T) {
	ks := keys(t, secretA)
	sealed := seal(t, ks, position.Token{Engine: "x", Epoch: "e", Position: "5"})
	at := strings.LastIndexByte(sealed[:strings.LastIndexByte(sealed, '.')], '.')
	text, sig := sealed[:at], sealed[at+1:]
	for _, purpose := range []string{"", "token", "homing token"} {
		if ks.Verify(purpose, text, sig) || ks.Verify(purpose, text+"."+sig[:2], sig) {
			t.Errorf("for %q, a token's MAC counts as a signature", purpose)
		}
		signed := text + "." + sig[:2]
		if _, err := ks.Open(text + "." + ks.Sign(purpose, signed)); err == nil {
			t.Errorf("a signature for %q counts as a token's", purpose)
		}
	}
}
