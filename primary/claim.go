package primary

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"homing/machine"
	"homing/position"
)

// Path is where a machine tells its claim without serving the app.
const Path = "/.well-known/homing"

// Claim is what a machine says of its database. The zero value says that there is
// none that can be read.
type Claim struct {
	Role  machine.Role
	Epoch position.Epoch
	// Lag is how far a replica is behind; milliseconds on the wire. 0: not known, or
	// not behind.
	Lag time.Duration
}

// maxHeader bounds what is read of the other side.
const maxHeader = 1 << 10

var errTooLong = errors.New("primary: too long")

// String writes the value of Homing-Role.
func (c Claim) String() string { return string(c.Append(make([]byte, 0, 96))) }

// Append appends what String returns: each answer carries it.
func (c Claim) Append(b []byte) []byte {
	b = append(b, c.Role.String()...)
	if c.Epoch != "" {
		b = append(b, ";epoch="...)
		b = position.AppendEscaped(b, string(c.Epoch))
	}
	if ms := c.Lag.Milliseconds(); ms > 0 {
		b = append(b, ";lag="...)
		b = strconv.AppendInt(b, ms, 10)
		b = append(b, "ms"...)
	}
	return b
}

// ParseClaim reads what [Claim.String] wrote. Unknown fields are ignored, since a
// machine may run a newer version; an unknown role is an error.
func ParseClaim(header string) (Claim, error) {
	word, fields, err := split(header)
	if err != nil {
		return Claim{}, err
	}
	c := Claim{Role: machine.ParseRole(word)}
	if c.Role.String() != word {
		return Claim{}, fmt.Errorf("primary: role %q: want primary, replica or none", clip(word))
	}
	if c.Epoch, err = epoch(fields); err != nil {
		return Claim{}, err
	}
	if lag, ok := fields["lag"]; ok {
		if c.Lag, err = time.ParseDuration(lag); err != nil || c.Lag < 0 {
			return Claim{}, fmt.Errorf("primary: lag %q: want a time such as 12ms", clip(lag))
		}
	}
	return c, nil
}

// split returns the first word of a header, and its fields.
func split(header string) (word string, fields map[string]string, err error) {
	if len(header) > maxHeader {
		return "", nil, errTooLong
	}
	word, rest, _ := strings.Cut(header, ";")
	fields = make(map[string]string)
	for field := range strings.SplitSeq(rest, ";") {
		if name, value, ok := strings.Cut(strings.TrimSpace(field), "="); ok {
			fields[name] = value
		}
	}
	return strings.TrimSpace(word), fields, nil
}

func epoch(fields map[string]string) (position.Epoch, error) {
	s, err := url.QueryUnescape(fields["epoch"])
	if err != nil {
		return "", errors.New("primary: the epoch cannot be read")
	}
	return position.Epoch(s), nil
}

// clip keeps what an error quotes short: the text may come from a stranger.
func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
