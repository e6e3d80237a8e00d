package relay

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
)

// withPlus is the mechanism of SCRAM that is bound to the TLS connection it runs on.
const withPlus = "SCRAM-SHA-256-PLUS"

const authenticationSASL = 10 // of 'R', with a list of mechanisms

// longestOffer is more than a server says before it asks for a password.
const longestOffer = 4 << 10

// unbind reads a server's messages up to the one that asks for a password, and gives
// each to pass. Where that offers SCRAM bound to TLS, the offer is taken out: the app's
// side has no TLS to bind to, and libpq takes such an offer without TLS for an attack.
// It reads nothing beyond.
func unbind(server net.Conn, pass func([]byte) error) error {
	for {
		head := make([]byte, headLength)
		if n, err := io.ReadFull(server, head); err != nil {
			pass(head[:n])
			return err
		}
		kind, length := head[0], binary.BigEndian.Uint32(head[1:])
		if length < 4 || length > longestOffer {
			return pass(head) // the rest follows as it comes
		}
		message := append(head, make([]byte, length-4)...)
		if n, err := io.ReadFull(server, message[headLength:]); err != nil {
			pass(message[:headLength+n])
			return err
		}
		if kind == 'R' {
			return pass(withoutPlus(message))
		}
		if err := pass(message); err != nil || kind == 'E' {
			return err
		}
	}
}

// withoutPlus returns an authentication request without the mechanism that needs TLS.
func withoutPlus(message []byte) []byte {
	const list = headLength + 4
	offer := []byte(withPlus + "\x00")
	if len(message) < list || binary.BigEndian.Uint32(message[headLength:]) != authenticationSASL {
		return message
	}
	at := bytes.Index(message[list:], offer)
	if at < 0 || at > 0 && message[list+at-1] != 0 {
		return message
	}
	message = append(message[:list+at], message[list+at+len(offer):]...)
	binary.BigEndian.PutUint32(message[1:], uint32(len(message)-1))
	return message
}
