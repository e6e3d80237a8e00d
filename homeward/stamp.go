package homeward

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"homing/decision"
	"homing/forward"
	"homing/position"
	"homing/region"
	"homing/replay"
)

const (
	// stampLife is how far a stamp's time and ours may be apart: the request's way,
	// and clocks that differ. Within it a stamp that was seen can be shown again, by
	// the same request only.
	stampLife = 5 * time.Minute
	// maxStamp is the longest stamp that is read, in bytes.
	maxStamp = 512
	// purpose keeps a token from passing for a signature.
	purpose = "homing-forwarded"
)

// Stamp is what a request that was sent home says of that: the header
// Homing-Forwarded. The zero value is none.
type Stamp struct {
	From   region.Code     // where it was
	To     region.Code     // the primary's region, as it is known there
	Reason decision.Reason // why it was sent home
	At     time.Time       // when; microseconds on the wire
}

// Errors of [ReadStamp]; compare with [errors.Is]. None quotes what was read.
var (
	// ErrMalformed: not a stamp, or several.
	ErrMalformed = errors.New("malformed")
	// ErrForged: not signed for this request by one of our keys.
	ErrForged = errors.New("not signed for this request by a known key")
	// ErrExpired: its time and ours are more than five minutes apart.
	ErrExpired = errors.New("more than five minutes old, or of the future")
)

// IsZero reports whether there is no stamp.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// fields writes all but the signature.
func (s Stamp) fields() string {
	return fmt.Sprintf("from=%s;to=%s;reason=%s;t=%d", s.From, s.To, s.Reason, s.At.UnixMicro())
}

// Sign writes the header's value for a request as net/http's server has it.
func (s Stamp) Sign(keys position.Keys, r *http.Request) string {
	fields := s.fields()
	return fields + ";mac=" + keys.Sign(purpose, signedText(r, fields))
}

// signedText is what a signature is over. None of the first three holds a line feed.
func signedText(r *http.Request, fields string) string {
	return r.Method + "\n" + r.Host + "\n" + forward.Target(r) + "\n" + fields
}

// ReadStamp returns the stamp of a request, if it can be believed at that time;
// where it has none, the zero value. The error is [ErrMalformed], [ErrForged] or
// [ErrExpired].
func ReadStamp(keys position.Keys, r *http.Request, now time.Time) (Stamp, error) {
	values := r.Header[replay.ForwardedHeader]
	if len(values) == 0 {
		return Stamp{}, nil
	}
	if len(values) > 1 {
		return Stamp{}, ErrMalformed
	}
	s, fields, mac, err := parseStamp(values[0])
	switch {
	case err != nil:
		return Stamp{}, err
	case !keys.Verify(purpose, signedText(r, fields), mac):
		return Stamp{}, ErrForged
	case now.Sub(s.At).Abs() > stampLife:
		return Stamp{}, ErrExpired
	}
	return s, nil
}

// parseStamp reads a stamp, what is signed of it, and by what.
func parseStamp(text string) (s Stamp, fields, mac string, err error) {
	at := strings.LastIndex(text, ";mac=")
	if at < 0 || len(text) > maxStamp {
		return Stamp{}, "", "", ErrMalformed
	}
	fields, mac = text[:at], text[at+len(";mac="):]
	seen := make(map[string]bool, 4)
	for field := range strings.SplitSeq(fields, ";") {
		name, value, ok := strings.Cut(field, "=")
		if !ok || seen[name] || !s.set(name, value) {
			return Stamp{}, "", "", ErrMalformed
		}
		seen[name] = true
	}
	if s.From == "" || s.To == "" || s.Reason == "" || s.At.IsZero() {
		return Stamp{}, "", "", ErrMalformed
	}
	return s, fields, mac, nil
}

// set takes one field, and reports whether it can be one.
func (s *Stamp) set(name, value string) bool {
	switch name {
	case "from":
		s.From = place(value)
		return s.From != ""
	case "to":
		s.To = place(value)
		return s.To != ""
	case "reason":
		s.Reason = decision.Reason(value)
		return s.Reason.IsHome()
	case "t":
		us, err := strconv.ParseInt(value, 10, 64)
		s.At = time.UnixMicro(us)
		return err == nil && us > 0
	}
	return name != "" && name != "mac"
}

// place reads a region that a machine can be in; nothing for any other text.
func place(text string) region.Code {
	c, err := region.Parse(text)
	if err != nil || c.IsAlias() || string(c) != text {
		return ""
	}
	return c
}
