package relay

import "encoding/binary"

// hearer is told of messages by a scanner.
type hearer interface {
	// heard gets what [looks] asks for of a message's body, before the last byte of
	// the message goes on. whole says that there is no more of it. The body is good
	// for the length of the call.
	heard(kind byte, body []byte, whole bool)
}

// looks says for each kind of message how much of its body to look at; unseen kinds
// are passed over.
type looks [256]int16

const unseen = -1

func looking(at map[byte]int16) *looks {
	var l looks
	for kind := range l {
		l[kind] = unseen
	}
	for kind, most := range at {
		l[kind] = most
	}
	return &l
}

const headLength = 5 // a byte for the kind, four for the length

// scanner finds the messages in a stream that comes in pieces of any size. It keeps
// no more than what it looks at, and of a message in one piece nothing.
type scanner struct {
	looks *looks
	tell  hearer

	head  [headLength]byte // where it is in two pieces
	heads int              // bytes of it that are there

	kind byte
	left int    // of the body
	want int    // of the body, for tell; unseen once told
	all  bool   // want is the whole body
	kept []byte // of what is wanted, where that is in several pieces

	lost bool // what comes is no message
}

// scan looks at the next piece.
func (s *scanner) scan(piece []byte) {
	for len(piece) > 0 && !s.lost {
		if s.left > 0 {
			piece = s.body(piece)
		} else {
			piece = s.begin(piece)
		}
	}
}

// begin reads on in a message's head, and returns what follows.
func (s *scanner) begin(piece []byte) []byte {
	head := piece
	if s.heads > 0 || len(piece) < headLength {
		n := copy(s.head[s.heads:], piece)
		s.heads += n
		if s.heads < headLength {
			return nil
		}
		head, piece = s.head[:], piece[n:]
	} else {
		piece = piece[headLength:]
	}
	s.heads = 0
	s.open(head[0], binary.BigEndian.Uint32(head[1:]))
	return piece
}

// open begins a message. The length counts itself.
func (s *scanner) open(kind byte, length uint32) {
	const itself, most = 4, 1<<31 - 1
	if length < itself || length > most {
		s.lost = true
		return
	}
	s.kind, s.left, s.want = kind, int(length)-itself, unseen
	if most := int(s.looks[kind]); most != unseen {
		s.want = min(most, s.left)
		s.all = s.want == s.left
	}
	if s.want == 0 {
		s.told(nil)
	}
}

// body passes over what is in piece of the body, and returns what follows.
func (s *scanner) body(piece []byte) []byte {
	here := piece[:min(len(piece), s.left)]
	if s.want != unseen {
		s.gather(here)
	}
	s.left -= len(here)
	return piece[len(here):]
}

// gather tells as soon as what is looked at is there.
func (s *scanner) gather(here []byte) {
	if len(s.kept) == 0 && len(here) >= s.want {
		s.told(here[:s.want])
		return
	}
	here = here[:min(len(here), s.want-len(s.kept))]
	s.kept = append(s.kept, here...)
	if len(s.kept) == s.want {
		s.told(s.kept)
	}
}

func (s *scanner) told(body []byte) {
	s.want = unseen
	s.tell.heard(s.kind, body, s.all)
	s.kept = s.kept[:0]
}
