package wire

import (
	"cmp"
	"errors"
	"fmt"
)

// Request is the head of a request. What a [Reader] has returned is valid until the
// next message is read; its strings are the caller's to keep.
type Request struct {
	Method string
	// Target is in origin form ("/path?query"), or "*" with OPTIONS, or the
	// authority with CONNECT. Of an absolute form only this is left.
	Target string
	// Host is the authority asked for; "" only in HTTP/1.0.
	Host  string
	Minor int // the 1 of HTTP/1.1
	// Header is every field as it came, those that the other members tell
	// included.
	Header Header
	Length int64 // of the body in bytes; Chunked: known only at its end
	// Close: no request may follow.
	Close bool
	// Expect: the client waits for 100 (Continue) before it sends the body.
	Expect bool
	// Upgrade is the protocols that the client would like to switch to; "": none.
	Upgrade string
}

// Response is the head of an answer; what a [Reader] has returned is as valid as a [Request].
type Response struct {
	Minor  int // the 1 of HTTP/1.1
	Status int // 100 to 599
	Reason string
	Header Header // every field as it came
	// Length of the body in bytes, Chunked, or UntilClose. In an answer to HEAD,
	// or a 304, it is what the body would have, of which nothing follows.
	Length int64
	// Close: no answer may follow, because it was said, or the body ends with
	// the connection, or after 101 it is no HTTP that follows.
	Close   bool
	Upgrade string // the protocol switched to, of a 101; those asked for, of a 426
}

// Lengths of bodies that are not a number of bytes.
const (
	Chunked    int64 = -1 // in chunks
	UntilClose int64 = -2 // an answer's: until the connection ends; without a body: not said
)

// Limits bound a head.
type Limits struct {
	// Head is how many bytes a head may have, its first line and the empty line
	// at its end included; also a trailer, and also all 1xx answers together with
	// the one that they announce. 0: 64 KiB.
	Head int
	// Fields is how many fields a head or a trailer may have. 0: 200.
	Fields int
}

func (l Limits) withDefaults() Limits {
	return Limits{Head: cmp.Or(l.Head, 64<<10), Fields: cmp.Or(l.Fields, 200)}
}

// ErrHTTP2Preface: the first request is the beginning of an HTTP/2 connection
// (RFC 9113 §3.4). [Reader.Rest] has all of it that came.
var ErrHTTP2Preface = errors.New("the client speaks HTTP/2")

// ErrUnread: a next message was asked for before the last one's body was read to
// its end.
var ErrUnread = errors.New("the body before was not read to its end")

// Error is a message that was not accepted, or that did not come whole. The
// connection cannot be used any more, unless Err is a deadline's.
type Error struct {
	// Status is for the answer: 4xx or 5xx for a request, 502 for an answer; 0
	// when there is nobody to answer, as after a reset.
	Status int
	// Reason is one line that can be shown and logged: it quotes no values.
	Reason string
	Err    error // what reading returned; nil if it was the message's fault
}

// Error returns the reason and what reading returned.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Reason + ": " + e.Err.Error()
	}
	return e.Reason
}

// Unwrap returns what reading returned.
func (e *Error) Unwrap() error { return e.Err }

func refuse(status int, reason string) *Error { return &Error{Status: status, Reason: reason} }

// refuseByte says that c must not stand there.
func refuseByte(where string, c byte) *Error {
	return refuse(400, fmt.Sprintf("%s holds the byte 0x%02x", where, c))
}
