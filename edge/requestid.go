package edge

import (
	"crypto/rand"
	"encoding/binary"
	"time"

	"homing/region"
)

// crockford is the alphabet of ULIDs: no I, L, O or U.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newRequestID returns a ULID (48 bits of milliseconds, 80 of chance, 26
// characters that sort by time) and the edge's region, as Fly-Request-Id has it.
func newRequestID(edge region.Code) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(time.Now().UnixMilli())<<16)
	_, _ = rand.Read(raw[6:])
	hi, lo := binary.BigEndian.Uint64(raw[:8]), binary.BigEndian.Uint64(raw[8:])

	id := make([]byte, 26, 26+1+len(edge))
	for i := 25; i >= 0; i-- {
		id[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	id = append(id, '-')
	return string(append(id, edge...))
}
