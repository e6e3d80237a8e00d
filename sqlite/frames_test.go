package sqlite

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc64"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pierrec/lz4/v4"
	"github.com/superfly/ltx"

	"homing/machine"
)

// wire writes frames with payloads of several chunks, of one, and of none.
func wire(t testing.TB, long int) []byte {
	t.Helper()
	var b bytes.Buffer
	out := bufio.NewWriter(&b)
	fw := frameWriter{out}
	for i, payload := range []string{"0123456789abcdef", strings.Repeat("x", long), "", "y"} {
		f := frame{kind: "escck"[i], number: uint64(i), captured: time.UnixMicro(int64(i) * 1e6)}
		if err := fw.begin(f); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(fw, payload); err != nil {
			t.Fatal(err)
		}
		if err := fw.end(); err != nil {
			t.Fatal(err)
		}
	}
	out.Flush()
	return b.Bytes()
}

func TestFramesAreReadAsWritten(t *testing.T) {
	fr := newFrameReader(bytes.NewReader(wire(t, maxChunk+5)))
	for i, want := range []int{16, maxChunk + 5, 0, 1} {
		f, err := fr.next()
		if err != nil {
			t.Fatal(err)
		}
		if f.kind != "escck"[i] || f.number != uint64(i) || f.captured.Unix() != int64(i) {
			t.Errorf("frame %d is %+v", i, f)
		}
		if payload, err := io.ReadAll(fr); err != nil || len(payload) != want {
			t.Errorf("frame %d has %d bytes, %v; want %d", i, len(payload), err, want)
		}
	}
	if _, err := fr.next(); err != io.EOF {
		t.Errorf("after the last frame: %v, want EOF", err)
	}
}

func TestFramesAreReadStrictly(t *testing.T) {
	good := wire(t, maxChunk+5)
	read := func(b []byte) error {
		fr := newFrameReader(bytes.NewReader(b))
		for {
			if _, err := fr.next(); err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, fr); err != nil {
				return err
			}
		}
	}
	if err := read(good[:len(good)-1]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off in a frame: %v", err)
	}
	for name, at := range map[string]int{"kind": 0, "chunk's length": 17, "chunk's sum": 21, "chunk's data": 26} {
		bad := bytes.Clone(good)
		bad[at] ^= 0x41
		if err := read(bad); !errors.Is(err, errCorrupt) {
			t.Errorf("damaged %s: %v, want corrupt", name, err)
		}
	}
	fr := newFrameReader(bytes.NewReader(good))
	fr.next()
	if _, err := fr.next(); err != errUnread {
		t.Errorf("a frame skipped: %v", err)
	}
	if _, err := newFrameReader(bytes.NewReader(good)).small(3); err != nil {
		t.Errorf("no frame has no payload: %v", err)
	}
	fr = newFrameReader(bytes.NewReader(good))
	fr.next()
	if _, err := fr.small(3); !errors.Is(err, errCorrupt) {
		t.Errorf("16 bytes where 3 are allowed: %v", err)
	}
}

// someLTX returns a file that Litestream wrote.
func someLTX(t testing.TB) []byte {
	t.Helper()
	db := open(t, Config{Path: t.TempDir() + "/p.db", Role: machine.Primary, Logger: quiet()})
	p := db.side.(*primary)
	files, err := ltxFiles(p.capture.dir())
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	b, err := os.ReadFile(files[0].path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// image reads an LTX file's pages.
func image(b []byte) (pages []byte, err error) {
	_, err = readLTX(bytes.NewReader(b), nil, func(_ uint32, data []byte) error {
		pages = append(pages, data...)
		return nil
	})
	return pages, err
}

func TestLTXIsReadStrictly(t *testing.T) {
	good := someLTX(t)
	want, err := image(good)
	if err != nil || len(want) == 0 {
		t.Fatalf("%d bytes, %v", len(want), err)
	}
	if err := ltx.NewDecoder(bytes.NewReader(good)).Verify(); err != nil {
		t.Fatalf("the library does not read it: %v", err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		// LZ4 has several spellings of the same bytes.
		if got, err := image(bad); !errors.Is(err, errCorrupt) && !bytes.Equal(got, want) {
			t.Errorf("byte %d of %d damaged: %v and other pages, want corrupt", i, len(good), err)
		}
		if _, err := image(good[:i]); !errors.Is(err, errCorrupt) {
			t.Errorf("cut off after %d of %d bytes: %v, want corrupt", i, len(good), err)
		}
	}
	if _, err := image(append(bytes.Clone(good), make([]byte, 4096)...)); !errors.Is(err, errCorrupt) {
		t.Errorf("followed by other bytes: %v, want corrupt", err)
	}
}

// forge makes an LTX file with a right checksum, whatever its pages.
func forge(commit uint32, pgnos ...uint32) []byte {
	hdr := ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 512, Commit: commit, MinTXID: 1, MaxTXID: 1}
	b, _ := hdr.MarshalBinary()
	sum := crc64.New(crc64Table)
	sum.Write(b)
	page := make([]byte, 512)
	lz := make([]byte, lz4.CompressBlockBound(len(page)))
	n, _ := lz4.CompressBlock(page, lz, nil)
	for _, pgno := range pgnos {
		head := binary.BigEndian.AppendUint32(nil, pgno)
		head = binary.BigEndian.AppendUint16(head, ltx.PageHeaderFlagSize)
		head = binary.BigEndian.AppendUint32(head, uint32(n))
		b = append(append(b, head...), lz[:n]...)
		sum.Write(head)
		sum.Write(page)
	}
	tail := make([]byte, ltx.PageHeaderSize+1+8+8) // the end, an empty index and its size, the second checksum
	sum.Write(tail)
	return binary.BigEndian.AppendUint64(append(b, tail...), uint64(ltx.ChecksumFlag)|sum.Sum64())
}

func TestLTXPagesMustBeThereInOrder(t *testing.T) {
	if _, err := image(forge(3, 1, 2, 3)); err != nil {
		t.Fatalf("a forged file without a fault: %v", err)
	}
	for name, b := range map[string][]byte{
		"a page twice":          forge(3, 1, 2, 2),
		"pages back to front":   forge(2, 2, 1),
		"a page beyond the end": forge(2, 1, 2, 3),
		"a page missing":        forge(3, 1, 3),
		"no pages":              forge(1),
		"an empty database":     forge(0),
	} {
		if _, err := image(b); !errors.Is(err, errCorrupt) {
			t.Errorf("%s: %v, want corrupt", name, err)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(wire(f, 40)) // longer ones only slow the fuzzer down
	f.Add([]byte("k\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		fr := newFrameReader(bytes.NewReader(b))
		total := 0
		for {
			if _, err := fr.next(); err != nil {
				return
			}
			n, err := io.Copy(io.Discard, fr)
			if total += int(n); total > len(b) {
				t.Fatalf("%d bytes of payload from %d bytes", total, len(b))
			}
			if err != nil {
				return
			}
		}
	})
}

func FuzzLTX(f *testing.F) {
	good := someLTX(f)
	f.Add(good)
	f.Add(good[:len(good)-9])
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := image(b); err == nil {
			if err := ltx.NewDecoder(bytes.NewReader(b)).Verify(); err != nil {
				t.Errorf("accepted, but the library says: %v", err)
			}
		}
	})
}
