package relay

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// What stands in the place of a protocol version, by PostgreSQL's documentation,
// "Message Formats".
const (
	cancelRequest = 80877102
	sslRequest    = 80877103
	gssRequest    = 80877104
)

const (
	// greetLimit is a server's authentication_timeout: whoever says nothing for as
	// long is nobody.
	greetLimit = time.Minute

	shortestGreeting = 8
	longestGreeting  = 10_000 // the server's own limit
	tlsHandshake     = 0x16   // the first byte of a TLS record
)

var (
	errDirectTLS = errors.New("an app begins with TLS, which the relay does not speak; " +
		"give the app the URL that Relay.URL returns, or set sslmode=disable without sslnegotiation")
	errInsists = errors.New("an app wants TLS, which the relay does not speak; " +
		"give the app the URL that Relay.URL returns, or set sslmode=disable")
)

// greeting is the first message that counts: a StartupMessage or a CancelRequest, as
// it came.
type greeting []byte

// greet reads an app's greeting, and tells it before that there is no encryption.
// io.EOF is one that said nothing.
func greet(app net.Conn) (greeting, error) {
	if err := app.SetReadDeadline(time.Now().Add(greetLimit)); err != nil {
		return nil, err
	}
	refused := false
	for range 3 { // a request for each kind of encryption may come first
		g, err := readGreeting(app)
		switch {
		case refused && errors.Is(err, io.EOF):
			return nil, errInsists
		case err != nil:
			return nil, err
		}
		if code := g.code(); code != sslRequest && code != gssRequest {
			return g, app.SetReadDeadline(time.Time{})
		}
		if _, err := app.Write([]byte{'N'}); err != nil {
			return nil, err
		}
		refused = refused || g.code() == sslRequest
	}
	return nil, errors.New("an app asks for encryption again and again")
}

func readGreeting(app io.Reader) (greeting, error) {
	var head [4]byte
	if _, err := io.ReadFull(app, head[:1]); err != nil {
		return nil, err
	}
	if head[0] == tlsHandshake {
		return nil, errDirectTLS
	}
	if _, err := io.ReadFull(app, head[1:]); err != nil {
		return nil, fmt.Errorf("the first message of an app breaks off: %w", err)
	}
	length := binary.BigEndian.Uint32(head[:])
	if length < shortestGreeting || length > longestGreeting {
		return nil, fmt.Errorf("an app speaks no PostgreSQL: its first message would be %d bytes long", length)
	}
	g := append(make(greeting, 0, length), head[:]...)[:length]
	if _, err := io.ReadFull(app, g[len(head):]); err != nil {
		return nil, fmt.Errorf("the first message of an app breaks off: %w", err)
	}
	return g, nil
}

func (g greeting) code() uint32 { return binary.BigEndian.Uint32(g[4:]) }

// key is what a CancelRequest cancels.
func (g greeting) key() []byte { return g[8:] }

// replicates reports whether a StartupMessage asks for a connection on which
// replication runs.
func (g greeting) replicates() bool {
	fields := bytes.Split(g[8:], []byte{0})
	for i := 0; i+1 < len(fields); i += 2 {
		if string(fields[i]) == "replication" {
			switch string(bytes.ToLower(fields[i+1])) {
			case "", "false", "off", "no", "0":
				return false
			}
			return true
		}
	}
	return false
}
