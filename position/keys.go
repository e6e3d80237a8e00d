package position

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
	"sync"
)

// minSecret is the shortest secret that is accepted, in bytes. Shorter ones can
// be guessed from a single token.
const minSecret = 16

// Keys sign and verify tokens. The zero value has no key: tokens are then
// neither signed nor verified, and a client that makes one up only sends its own
// reads home. Safe for concurrent use.
type Keys struct{ keys []*key }

type key struct {
	id      string // two hexadecimal digits
	signers sync.Pool
}

// signer makes signatures with one key, one at a time. It has room for what goes into its
// hash and comes out of it, which each request would have to allocate otherwise.
type signer struct {
	hash.Hash
	in  []byte
	sum [sha256.Size]byte
}

// maxKept is how much of that room is kept for the next signature, in bytes.
const maxKept = 4 << 10

// signature is 128 bits of HMAC-SHA256 in base64url.
type signature [22]byte

// ParseKeys reads "new,old": the first secret signs, all of them verify. Blanks
// around a secret are ignored; an empty text is no keys. The error never quotes
// a secret.
func ParseKeys(s string) (Keys, error) {
	if strings.TrimSpace(s) == "" {
		return Keys{}, nil
	}
	var ks Keys
	for i, secret := range strings.Split(s, ",") {
		secret = strings.TrimSpace(secret)
		if len(secret) < minSecret {
			return Keys{}, fmt.Errorf("secret %d of the list has %d bytes; want at least %d", i+1, len(secret), minSecret)
		}
		k := newKey(secret)
		for _, other := range ks.keys {
			if other.id == k.id {
				return Keys{}, fmt.Errorf("secret %d of the list has the same key number as another; choose a different one", i+1)
			}
		}
		ks.keys = append(ks.keys, k)
	}
	return ks, nil
}

func newKey(secret string) *key {
	sum := sha256.Sum256([]byte("homing key number\x00" + secret))
	k := &key{id: hex.EncodeToString(sum[:1])}
	k.signers.New = func() any { return &signer{Hash: hmac.New(sha256.New, []byte(secret))} }
	return k
}

// IsZero reports whether there are no keys.
func (ks Keys) IsZero() bool { return len(ks.keys) == 0 }

// String hides the secrets: keys may stand in a struct that is logged.
func (ks Keys) String() string {
	if ks.IsZero() {
		return "none"
	}
	return fmt.Sprintf("%d, hidden", len(ks.keys))
}

// Seal writes the token, signed if there are keys. It fails only with
// [ErrTooLong], or [ErrMalformed] for a token without a position or a time after 1970.
func (ks Keys) Seal(t Token) (string, error) {
	if !t.writable() {
		return "", ErrMalformed
	}
	s := t.encode()
	if !ks.IsZero() {
		k := ks.keys[0]
		s += "." + k.id
		mac := k.mac(tokens, s)
		s += "." + string(mac[:])
	}
	if len(s) > MaxTokenLen {
		return "", ErrTooLong
	}
	return s, nil
}

// Open reads a token. It fails with [ErrMalformed], [ErrForged] or [ErrTooLong].
func (ks Keys) Open(s string) (Token, error) {
	if len(s) > MaxTokenLen {
		return Token{}, ErrTooLong
	}
	dots := strings.Count(s, ".")
	if dots != 3 && dots != 5 {
		return Token{}, ErrMalformed
	}
	payload := s
	if dots == 5 {
		signed := s[:strings.LastIndexByte(s, '.')]
		payload = signed[:strings.LastIndexByte(signed, '.')]
		if !ks.IsZero() && !ks.verify(tokens, signed, signed[len(payload)+1:], s[len(signed)+1:]) {
			return Token{}, ErrForged
		}
	} else if !ks.IsZero() {
		return Token{}, ErrForged
	}
	return decodeToken(payload)
}

func (ks Keys) verify(domain, signed, id, mac string) bool {
	for _, k := range ks.keys {
		if k.id == id {
			want := k.mac(domain, signed)
			return hmac.Equal(want[:], []byte(mac))
		}
	}
	return false
}

// tokens is the domain of what Seal signs. It stands before what is signed, so that
// no token can pass for anything else that the same keys sign.
const tokens = "homing token"

func (k *key) mac(domain, signed string) (mac signature) {
	s := k.signers.Get().(*signer)
	defer k.signers.Put(s)
	s.Reset()
	s.in = append(s.in[:0], domain...)
	s.in = append(s.in, 0)
	s.in = append(s.in, signed...)
	s.Write(s.in)
	base64.RawURLEncoding.Encode(mac[:], s.Sum(s.sum[:0])[:16])
	if cap(s.in) > maxKept {
		s.in = nil
	}
	return mac
}
