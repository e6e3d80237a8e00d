package wire

import (
	"bytes"
	"strings"
)

// maxExtensions bounds the chunk extensions of a message, in bytes.
const maxExtensions = 2 << 10

// maxChunkLine bounds a chunk's line with its end.
const maxChunkLine = 16 + maxExtensions + len("\r\n")

// readChunks reads a body in chunks (RFC 9112 §7.1): as much of p as has come,
// and waits only for the first byte.
func (b *Body) readChunks(p []byte) (n int, err error) {
	for b.part != done && n < len(p) {
		if n > 0 && !b.goesOn() {
			break
		}
		if b.part != chunkData {
			if err := b.step(); err != nil {
				return n, err
			}
			continue
		}
		m, err := b.readCounted(p[n:], chunkEnd)
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// goesOn reports whether the next step needs nothing that has not come.
func (b *Body) goesOn() bool {
	has := b.reader.buf[b.reader.start:b.reader.end]
	switch b.part {
	case chunkData:
		return len(has) > 0
	case chunkEnd:
		return len(has) >= 2
	case chunkSize:
		return bytes.IndexByte(has, '\n') >= 0
	}
	return bytes.HasPrefix(has, []byte("\r\n")) // an empty trailer
}

// step reads what stands between the data.
func (b *Body) step() error {
	switch b.part {
	case chunkSize:
		return b.readSize()
	case chunkEnd:
		return b.readEnd()
	}
	return b.readTrailer()
}

func (b *Body) readSize() error {
	line, err := b.reader.chunkLine(maxChunkLine)
	if err != nil {
		return err
	}
	size, extensions := line, ""
	if i := bytes.IndexByte(line, ';'); i >= 0 {
		size, extensions = line[:i], string(line[i:])
	}
	n, ok := hexadecimal(string(size))
	if !ok {
		return refuse(400, "a chunk's size is not a hexadecimal number")
	}
	if b.spent += len(extensions); b.spent > maxExtensions {
		return refuse(400, "the chunk extensions are too long") // §7.1.1
	}
	if !validExtensions(extensions) {
		return refuse(400, "a chunk extension is malformed")
	}
	if b.part, b.left = chunkData, n; n == 0 {
		b.part = trailer
	}
	return nil
}

func (b *Body) readEnd() error {
	r := b.reader
	for r.Buffered() < 2 {
		if err := r.fill(); err != nil {
			return err
		}
	}
	if string(r.take(2)) != "\r\n" {
		return refuse(400, "a chunk is longer than its size")
	}
	b.part = chunkSize
	return nil
}

func (b *Body) readTrailer() error {
	r := b.reader
	section, err := r.section(r.limits.Head)
	if err != nil {
		return err
	}
	fields, err := parseFields(nil, string(section), r.limits.Fields)
	if err != nil {
		return err
	}
	for _, f := range fields {
		if forbiddenTrailer(f.Name) {
			return refuse(400, "the trailer holds a field that may not stand there")
		}
	}
	b.trail, b.part = fields, done
	return nil
}

// validExtensions checks *( ";" name [ "=" value ] ) (RFC 9112 §7.1.1).
func validExtensions(s string) bool {
	for s != "" {
		if s[0] != ';' {
			return false
		}
		name := s[1:tokenEnd(s, 1)]
		if s = s[1+len(name):]; name == "" {
			return false
		}
		if s == "" || s[0] != '=' {
			continue
		}
		end := tokenEnd(s, 1)
		if strings.HasPrefix(s, `="`) {
			end = quotedEnd(s, 2)
		}
		if end <= 1 {
			return false
		}
		s = s[end:]
	}
	return true
}

// tokenEnd returns where the token that begins at i ends.
func tokenEnd(s string, i int) int {
	for i < len(s) && tchar.has(s[i]) {
		i++
	}
	return i
}

// quotedEnd returns where the quoted string ends whose text begins at i (RFC 9110
// §5.6.4); 0 if it does not.
func quotedEnd(s string, i int) int {
	for i < len(s) && vchar.has(s[i]) {
		switch s[i] {
		case '"':
			return i + 1
		case '\\':
			if i++; i == len(s) || !vchar.has(s[i]) {
				return 0
			}
		}
		i++
	}
	return 0
}
