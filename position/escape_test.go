package position_test

import (
	"net/url"
	"testing"

	"homing/position"
)

// TestEscapingIsThatOfQueries compares each byte with package net/url.
func TestEscapingIsThatOfQueries(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	for _, s := range []string{"", "0/16B3748", "7316:2", "a b", string(all)} {
		if got, want := string(position.AppendEscaped([]byte("x="), s)), "x="+url.QueryEscape(s); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
