package edge

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
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

// newNames returns a ULID (48 bits of milliseconds, 80 of chance, 26 characters that
// sort by time) with the edge's region, as Fly-Request-Id has it, and the beginning of
// a trace (W3C Trace Context §3.2): version, trace, parent and the flag that says
// "sampled". They are one piece of memory.
func newNames(edge region.Code, now time.Time) (id, traceparent string) {
	var raw [16 + 24]byte
	_, _ = rand.Read(raw[6:]) // never fails, see crypto/rand
	hi := binary.BigEndian.Uint64(raw[:8])&0xffff | uint64(now.UnixMilli())<<16
	lo := binary.BigEndian.Uint64(raw[8:])

	room := make([]byte, 0, ulidLength+1+8+traceLength)
	room = appendULID(room, hi, lo)
	room = append(room, '-')
	room = append(room, edge...)
	n := len(room)
	room = append(room, "00-"...)
	room = hex.AppendEncode(room, raw[16:32])
	room = append(room, '-')
	room = hex.AppendEncode(room, raw[32:])
	room = append(room, "-01"...)
	names := string(room)
	return names[:n], names[n:]
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
