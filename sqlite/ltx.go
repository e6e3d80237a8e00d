package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"io"

	"github.com/pierrec/lz4/v4"
	"github.com/superfly/ltx"
)

// errCorrupt says that bytes from the feed are not what the primary captured.
var errCorrupt = errors.New("corrupt change")

var crc64Table = crc64.MakeTable(crc64.ISO)

// maxIndexEntry is the most that one page takes in the index at a file's end:
// three varints.
const maxIndexEntry = 3 * binary.MaxVarintLen64

// readLTX reads one LTX file to its end and gives its header and its pages, in
// rising order, to the two functions; begin may be nil. What they did counts only
// if the error is nil: the checksum comes last. A page's bytes are valid during
// the call.
//
// The library's own decoder is made for files one wrote oneself: a tail that is
// too short makes it panic, and a length field makes it allocate up to 4 GiB.
func readLTX(r io.Reader, begin func(ltx.Header) error, page func(pgno uint32, data []byte) error) (ltx.Header, error) {
	d := ltxDecoder{r: r, sum: crc64.New(crc64Table)}
	if err := d.header(); err != nil {
		return d.hdr, err
	}
	if begin != nil {
		if err := begin(d.hdr); err != nil {
			return d.hdr, err
		}
	}
	for {
		pgno, data, err := d.page()
		if err != nil {
			return d.hdr, err
		}
		if pgno == 0 {
			return d.hdr, d.tail()
		}
		if err := page(pgno, data); err != nil {
			return d.hdr, err
		}
	}
}

type ltxDecoder struct {
	r    io.Reader
	sum  hash.Hash64
	hdr  ltx.Header
	n    int    // pages so far
	last uint32 // number of the page before
	head [ltx.PageHeaderSize + 4]byte
	lz   []byte
	data []byte
}

func (d *ltxDecoder) header() error {
	var b [ltx.HeaderSize]byte
	if err := d.read(b[:]); err != nil {
		return err
	}
	if err := d.hdr.UnmarshalBinary(b[:]); err != nil {
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	if err := d.hdr.Validate(); err != nil {
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	if d.hdr.Commit == 0 {
		return fmt.Errorf("%w: a database without pages", errCorrupt)
	}
	d.sum.Write(b[:])
	d.data = make([]byte, d.hdr.PageSize)
	d.lz = make([]byte, lz4.CompressBlockBound(int(d.hdr.PageSize)))
	return nil
}

// page returns the next page; number 0 means that there are no more.
func (d *ltxDecoder) page() (uint32, []byte, error) {
	head := d.head[:ltx.PageHeaderSize]
	if err := d.read(head); err != nil {
		return 0, nil, err
	}
	d.sum.Write(head)
	pgno, flags := binary.BigEndian.Uint32(head), binary.BigEndian.Uint16(head[4:])
	if pgno == 0 && flags == 0 {
		return 0, nil, nil
	}
	if pgno <= d.last || pgno > d.hdr.Commit || pgno == d.hdr.LockPgno() || flags != ltx.PageHeaderFlagSize {
		return 0, nil, fmt.Errorf("%w: page %d after %d of %d, flags %x", errCorrupt, pgno, d.last, d.hdr.Commit, flags)
	}
	size := d.head[ltx.PageHeaderSize:]
	if err := d.read(size); err != nil {
		return 0, nil, err
	}
	d.sum.Write(size)
	if err := d.decompress(binary.BigEndian.Uint32(size)); err != nil {
		return 0, nil, err
	}
	d.sum.Write(d.data)
	d.last = pgno
	d.n++
	return pgno, d.data, nil
}

func (d *ltxDecoder) decompress(size uint32) error {
	if size > uint32(len(d.lz)) {
		return fmt.Errorf("%w: a page of %d compressed bytes", errCorrupt, size)
	}
	if err := d.read(d.lz[:size]); err != nil {
		return err
	}
	n, err := lz4.UncompressBlock(d.lz[:size], d.data)
	if err != nil || n != len(d.data) {
		return fmt.Errorf("%w: a page of %d bytes: %v", errCorrupt, n, err)
	}
	return nil
}

// tail reads the index, which we do not need, and compares the checksum.
func (d *ltxDecoder) tail() error {
	limit := int64(d.n)*maxIndexEntry + 64
	rest, err := io.ReadAll(io.LimitReader(d.r, limit+1))
	if err != nil {
		return err
	}
	if len(rest) < ltx.TrailerSize || int64(len(rest)) > limit {
		return fmt.Errorf("%w: a tail of %d bytes after %d pages", errCorrupt, len(rest), d.n)
	}
	body := rest[:len(rest)-ltx.ChecksumSize]
	d.sum.Write(body)
	if ltx.ChecksumFlag|ltx.Checksum(d.sum.Sum64()) != ltx.Checksum(binary.BigEndian.Uint64(rest[len(body):])) {
		return fmt.Errorf("%w: checksum", errCorrupt)
	}
	if d.hdr.IsSnapshot() && d.n < int(pagesIn(d.hdr)) {
		return fmt.Errorf("%w: %d pages of %d in a snapshot", errCorrupt, d.n, pagesIn(d.hdr))
	}
	return nil
}

func (d *ltxDecoder) read(b []byte) error {
	_, err := io.ReadFull(d.r, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: cut off", errCorrupt)
	}
	return err
}

// pagesIn returns how many pages a file with all of them has: the page that
// SQLite locks is never written.
func pagesIn(hdr ltx.Header) uint32 {
	if hdr.Commit >= hdr.LockPgno() {
		return hdr.Commit - 1
	}
	return hdr.Commit
}
