package pgtest

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
)

// Each cluster is a copy of one data folder, and would have its system identifier
// too. But by that number programs tell clusters apart, so each gets its own. It
// stands in the control file, whose first field it is, and in the head of each
// file of the log; servers of the same cluster must agree on it.

// newIdentity gives the data folder of a server that was never started another
// system identifier.
func newIdentity(data string, id [8]byte) error {
	if err := patch(filepath.Join(data, "global", "pg_control"), func(b []byte) error { return setControl(b, id) }); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(data, "pg_wal", "0*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := patch(file, func(b []byte) error { return setSegment(b, id) }); err != nil {
			return err
		}
	}
	return nil
}

func randomIdentity() (id [8]byte) {
	rand.Read(id[:])
	// It is shown signed in places, and the servers' byte order is ours.
	binary.NativeEndian.PutUint64(id[:], binary.NativeEndian.Uint64(id[:])>>1)
	return id
}

// setControl changes a control file. Its checksum covers what is before it; where
// that is differs by version, so it is looked for.
func setControl(b []byte, id [8]byte) error {
	const least, most = 200, 512
	sum := crc32.MakeTable(crc32.Castagnoli)
	for at := least; at+4 <= min(most, len(b)); at += 4 {
		if crc32.Checksum(b[:at], sum) == binary.NativeEndian.Uint32(b[at:]) {
			copy(b, id[:])
			binary.NativeEndian.PutUint32(b[at:], crc32.Checksum(b[:at], sum))
			return nil
		}
	}
	return errors.New("no checksum found")
}

// setSegment changes a file of the log: in the head of its first page (magic, flags,
// timeline, address, length, padding) the identifier comes last but two. Records
// have checksums, heads have not. A file that was only set aside has no head.
func setSegment(b []byte, id [8]byte) error {
	const at, long = 24, 2 // the flag of a head that has the identifier
	if len(b) >= at+8 && binary.NativeEndian.Uint16(b[2:])&long != 0 {
		copy(b[at:], id[:])
	}
	return nil
}

func patch(file string, change func([]byte) error) error {
	b, err := os.ReadFile(file)
	if err == nil {
		err = change(b)
	}
	if err == nil {
		err = os.WriteFile(file, b, 0o600) // owner and mode stay
	}
	if err != nil {
		return fmt.Errorf("pgtest: %s: %w", file, err)
	}
	return nil
}
