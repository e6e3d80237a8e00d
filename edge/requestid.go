package edge

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"homing/region"
)

// crockford is the alphabet of ULIDs: no I, L, O or U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// What names are made of.
const (
	ulidLength  = 26
	traceLength = len("00-") + 32 + len("-") + 16 + len("-01")
)

// names makes names, many in one piece of memory. It is used by one goroutine.
type names struct{ room strings.Builder }

const (
	nameLength = ulidLength + 1 + 8 + traceLength
	namesRoom  = 20 * nameLength
)

// next returns a ULID (48 bits of milliseconds, 80 of chance, 26 characters that
// sort by time) with the edge's region, as Fly-Request-Id has it, and the beginning of
// a trace (W3C Trace Context §3.2): version, trace, parent and the flag that says
// "sampled".
func (n *names) next(edge region.Code, now time.Time) (id, traceparent string) {
	var raw [16 + 24]byte
	_, _ = rand.Read(raw[6:]) // never fails, see crypto/rand
	hi := binary.BigEndian.Uint64(raw[:8])&0xffff | uint64(now.UnixMilli())<<16
	lo := binary.BigEndian.Uint64(raw[8:])

	var text [nameLength]byte
	b := appendULID(text[:0], hi, lo)
	b = append(b, '-')
	b = append(b, edge...)
	end := len(b)
	b = append(b, "00-"...)
	b = hex.AppendEncode(b, raw[16:32])
	b = append(b, '-')
	b = hex.AppendEncode(b, raw[32:])
	b = append(b, "-01"...)

	if n.room.Len()+len(b) > n.room.Cap() {
		n.room = strings.Builder{}
		n.room.Grow(namesRoom)
	}
	begin := n.room.Len()
	n.room.Write(b)
	both := n.room.String()[begin:]
	return both[:end], both[end:]
}

func appendULID(b []byte, hi, lo uint64) []byte {
	var id [ulidLength]byte
	for i := ulidLength - 1; i >= 0; i-- {
		id[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return append(b, id[:]...)
}
