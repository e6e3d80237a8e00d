package relay

import (
	"bytes"
	"io"
	"slices"
	"testing"
)

func sasl(mechanisms string) []byte { return message('R', "\x00\x00\x00\x0a"+mechanisms) }

func TestTheOfferToBindIsTakenOut(t *testing.T) {
	negotiate := message('v', "\x00\x03\x00\x00\x00\x00\x00\x00")
	for _, tt := range []struct {
		name           string
		in, want, rest []byte
	}{
		{"first", sasl("SCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"), sasl("SCRAM-SHA-256\x00\x00"), nil},
		{"last", sasl("SCRAM-SHA-256\x00SCRAM-SHA-256-PLUS\x00\x00"), sasl("SCRAM-SHA-256\x00\x00"), nil},
		{"not there", sasl("SCRAM-SHA-256\x00\x00"), sasl("SCRAM-SHA-256\x00\x00"), nil},
		{"a longer name", sasl("X-SCRAM-SHA-256-PLUS\x00\x00"), sasl("X-SCRAM-SHA-256-PLUS\x00\x00"), nil},
		{"another way to log in", message('R', "\x00\x00\x00\x03"), message('R', "\x00\x00\x00\x03"), nil},
		{"after a version was agreed", slices.Concat(negotiate, sasl("SCRAM-SHA-256-PLUS\x00\x00")), slices.Concat(negotiate, sasl("\x00")), nil},
		{"an error", message('E', "C57P03\x00\x00"), message('E', "C57P03\x00\x00"), []byte("more")},
		{"what breaks off", sasl("SCRAM")[:12], sasl("SCRAM")[:12], nil},
		{"what is no offer", []byte("HTTP/"), []byte("HTTP/"), []byte("1.1 400 Bad Request")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := bytes.NewReader(slices.Concat(tt.in, tt.rest))
			var got []byte
			unbind(&script{Reader: in}, func(piece []byte) error { got = append(got, piece...); return nil })
			rest, _ := io.ReadAll(in)
			if !bytes.Equal(got, tt.want) || !bytes.Equal(rest, tt.rest) {
				t.Errorf("passed %q and left %q", got, rest)
			}
		})
	}
}
