package relay

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"testing/iotest"

	"github.com/jackc/pgx/v5/pgproto3"
)

// heardAll notes what a scanner tells.
type heardAll struct{ said []string }

func (h *heardAll) heard(kind byte, body []byte, whole bool) {
	h.said = append(h.said, fmt.Sprintf("%c %q %v", kind, body, whole))
}

func message(kind byte, body string) []byte {
	m := append([]byte{kind}, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(m[1:], uint32(len(body)+4))
	return append(m, body...)
}

var fewLooks = looking(map[byte]int16{'Z': 1, 'C': 8, 'S': 0, 'E': 4})

func TestScan(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   [][]byte
		want []string
		lost bool
	}{
		{"nothing", nil, nil, false},
		{"a body of one byte", [][]byte{message('Z', "I")}, []string{`Z "I" true`}, false},
		{"no body", [][]byte{message('S', "")}, []string{`S "" true`}, false},
		{"no body where one is read", [][]byte{message('Z', "")}, []string{`Z "" true`}, false},
		{"a body that is not read", [][]byte{message('S', "abc"), message('Z', "T")}, []string{`S "" false`, `Z "T" true`}, false},
		{"a body that is longer than what is read", [][]byte{message('E', "abcdef"), message('Z', "T")}, []string{`E "abcd" false`, `Z "T" true`}, false},
		{"what is passed over", [][]byte{message('D', "Z\x00\x00\x00\x05I"), message('C', "SELECT 1")}, []string{`C "SELECT 1" true`}, false},
		{"a length below its own", [][]byte{message('Z', "I"), {'C', 0, 0, 0, 3}, message('Z', "I")}, []string{`Z "I" true`}, true},
		{"a negative length", [][]byte{{'C', 0xff, 0xff, 0xff, 0xff}}, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := slices.Concat(tt.in...)
			for piece := 1; piece <= len(all)+1; piece++ {
				var heard heardAll
				s := scanner{looks: fewLooks, tell: &heard}
				for part := range slices.Chunk(all, piece) {
					s.scan(part)
				}
				if !slices.Equal(heard.said, tt.want) || s.lost != tt.lost {
					t.Errorf("in pieces of %d: heard %q, lost %v", piece, heard.said, s.lost)
				}
			}
		})
	}
}

// FuzzScan: whatever comes in whichever pieces, the same is heard, and it is what pgx
// reads there.
func FuzzScan(f *testing.F) {
	f.Add(slices.Concat(message('C', "INSERT 0 1\x00"), message('Z', "I")), byte(3))
	f.Add(slices.Concat(message('E', "SERROR\x00VERROR\x00C25006\x00\x00"), message('Z', "E")), byte(1))
	f.Add([]byte{'C', 0, 0, 0, 3}, byte(2))
	f.Add([]byte{'D', 0x7f, 0xff, 0xff, 0xff, 0}, byte(4))
	f.Add(slices.Concat(message('G', "\x00\x00\x00"), message('d', "row\n"), message('c', ""), message('S', "")), byte(7))
	f.Fuzz(func(t *testing.T, in []byte, piece byte) {
		var once, pieces heardAll
		whole := scanner{looks: looksAtServer, tell: &once}
		whole.scan(in)
		parts := scanner{looks: looksAtServer, tell: &pieces}
		for part := range slices.Chunk(in, max(1, int(piece))) {
			parts.scan(part)
		}
		if !slices.Equal(once.said, pieces.said) || whole.lost != parts.lost {
			t.Errorf("heard %q (lost %v), in pieces of %d %q (lost %v)", once.said, whole.lost, piece, pieces.said, parts.lost)
		}
		if cap(parts.kept) > 4096 {
			t.Errorf("%d bytes are kept", cap(parts.kept))
		}
		var tags []string
		frontend := pgproto3.NewFrontend(iotest.OneByteReader(bytes.NewReader(in)), nil)
		frontend.SetMaxBodyLen(1 << 16) // which pgx would set aside at once
		for {
			m, err := frontend.Receive()
			if err != nil {
				break
			}
			if c, ok := m.(*pgproto3.CommandComplete); ok && len(c.CommandTag) < 64 {
				tags = append(tags, fmt.Sprintf("C %q true", append(slices.Clone(c.CommandTag), 0)))
			}
		}
		for _, tag := range tags {
			if !slices.Contains(once.said, tag) {
				t.Errorf("heard %q, without %s", once.said, tag)
			}
		}
	})
}

// FuzzHeard: no body makes the hearers fail, or keep much.
func FuzzHeard(f *testing.F) {
	f.Add(byte('P'), []byte("name\x00with x as (insert into t values (1) returning 1) select\x00"))
	f.Add(byte('B'), []byte("\x00name\x00"))
	f.Add(byte('E'), []byte("SFATAL\x00C57P01\x00\x00"))
	f.Add(byte('C'), []byte("COPY 5\x00"))
	f.Add(byte('Z'), []byte(""))
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		s := session{relay: &Relay{cfg: Config{Tell: func(Event) {}}}}
		s.relay.judge.logger = quiet
		s.prepare(t.Context(), greeting("\x00\x00\x00\x08\x00\x03\x00\x00"))
		for range 3 {
			for _, whole := range []bool{true, false} {
				s.asks.heard(kind, body, whole)
				s.answers.heard(kind, body, whole)
			}
		}
		if len(s.turns.open) > mostTurns {
			t.Errorf("%d turns are kept", len(s.turns.open))
		}
	})
}
