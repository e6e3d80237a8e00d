package sqlite

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"
)

// The feed is a row of frames:
//
//	kind      1 byte
//	number    8 bytes   of the LTX file, or up to which a snapshot goes
//	captured  8 bytes   when the primary captured it, in Unix microseconds
//	chunks    each: length (4 bytes), CRC-32C of the data (4 bytes), data
//	end       4 zero bytes
//
// Numbers are big-endian. The chunks together are the frame's payload. An epoch
// comes first, exactly once.
const (
	frameEpoch    = 'e' // payload: the epoch
	frameSnapshot = 's' // payload: an LTX file with all pages
	frameChange   = 'c' // payload: an LTX file
	frameAlive    = 'k' // no payload: nothing happened for a while

	feedType     = "application/vnd.homing.sqlite-feed.v1"
	frameHeadLen = 17
	maxChunk     = 64 << 10
)

var crc32c = crc32.MakeTable(crc32.Castagnoli)

type frame struct {
	kind     byte
	number   uint64
	captured time.Time
}

// frameWriter writes frames; the payload goes through Write, between begin and
// end.
type frameWriter struct{ w *bufio.Writer }

func (fw frameWriter) begin(f frame) error {
	var b [frameHeadLen]byte
	b[0] = f.kind
	binary.BigEndian.PutUint64(b[1:], f.number)
	binary.BigEndian.PutUint64(b[9:], uint64(f.captured.UnixMicro()))
	_, err := fw.w.Write(b[:])
	return err
}

func (fw frameWriter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		chunk := rest[:min(len(rest), maxChunk)]
		rest = rest[len(chunk):]
		var b [8]byte
		binary.BigEndian.PutUint32(b[:], uint32(len(chunk)))
		binary.BigEndian.PutUint32(b[4:], crc32.Checksum(chunk, crc32c))
		if _, err := fw.w.Write(b[:]); err != nil {
			return 0, err
		}
		if _, err := fw.w.Write(chunk); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (fw frameWriter) end() error {
	_, err := fw.w.Write(make([]byte, 4))
	return err
}

// frameReader reads frames strictly, and never holds more than one chunk.
type frameReader struct {
	r     *bufio.Reader
	chunk []byte // the part of the current chunk that was not read yet
	buf   []byte
	more  bool // the frame's end has not been read
}

var errUnread = errors.New("the frame before was not read to its end")

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, 32<<10)}
}

// next reads the next frame's head. The payload of the one before must have been
// read up to io.EOF. A feed that ends between two frames is io.EOF.
func (fr *frameReader) next() (frame, error) {
	if fr.more {
		return frame{}, errUnread
	}
	var b [frameHeadLen]byte
	if _, err := io.ReadFull(fr.r, b[:]); err != nil {
		return frame{}, err
	}
	f := frame{kind: b[0], number: binary.BigEndian.Uint64(b[1:])}
	f.captured = time.UnixMicro(int64(binary.BigEndian.Uint64(b[9:])))
	switch f.kind {
	case frameEpoch, frameSnapshot, frameChange, frameAlive:
		fr.more = true
		return f, nil
	}
	return frame{}, fmt.Errorf("%w: frame of kind %#x", errCorrupt, f.kind)
}

// Read reads the payload of the current frame; each chunk is checked before any
// of it is returned.
func (fr *frameReader) Read(p []byte) (int, error) {
	if len(fr.chunk) == 0 {
		if !fr.more {
			return 0, io.EOF
		}
		if err := fr.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, fr.chunk)
	fr.chunk = fr.chunk[n:]
	return n, nil
}

func (fr *frameReader) fill() error {
	var head [8]byte
	if err := fr.full(head[:4]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n == 0 {
		fr.more = false
		return io.EOF
	}
	if n > maxChunk {
		return fmt.Errorf("%w: chunk of %d bytes", errCorrupt, n)
	}
	if err := fr.full(head[4:]); err != nil {
		return err
	}
	if fr.buf == nil {
		fr.buf = make([]byte, maxChunk)
	}
	if err := fr.full(fr.buf[:n]); err != nil {
		return err
	}
	if crc32.Checksum(fr.buf[:n], crc32c) != binary.BigEndian.Uint32(head[4:]) {
		return fmt.Errorf("%w: chunk's checksum", errCorrupt)
	}
	fr.chunk = fr.buf[:n]
	return nil
}

// full reads all of b: within a frame, an end is a failure.
func (fr *frameReader) full(b []byte) error {
	_, err := io.ReadFull(fr.r, b)
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// small reads a payload of at most max bytes.
func (fr *frameReader) small(max int) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(fr, int64(max)+1))
	if err == nil && len(b) > max {
		err = fmt.Errorf("%w: payload of more than %d bytes", errCorrupt, max)
	}
	return b, err
}
