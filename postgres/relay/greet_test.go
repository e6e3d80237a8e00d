package relay

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

func opening(code uint32, rest string) []byte {
	m := binary.BigEndian.AppendUint32(nil, uint32(8+len(rest)))
	return append(binary.BigEndian.AppendUint32(m, code), rest...)
}

const version3 = 3 << 16

func TestReadGreeting(t *testing.T) {
	for _, tt := range []struct {
		name, in, wrong string
	}{
		{"a login", string(opening(version3, "user\x00app\x00\x00")), ""},
		{"a version yet to come", string(opening(version3|9999, "user\x00app\x00\x00")), ""},
		{"a cancellation", string(opening(cancelRequest, "pid.key.")), ""},
		{"nothing", "", "EOF"},
		{"half a length", "\x00\x00", "breaks off"},
		{"half a login", string(opening(version3, "user")[:10]), "breaks off"},
		{"too short a length", "\x00\x00\x00\x07\x00\x00\x00", "no PostgreSQL"},
		{"too long a length", "\x00\x00\x27\x11....", "no PostgreSQL"},
		{"HTTP", "GET / HTTP/1.1\r\n\r\n", "no PostgreSQL"},
		{"TLS", "\x16\x03\x01\x02\x00", "begins with TLS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := readGreeting(iotest.OneByteReader(strings.NewReader(tt.in)))
			switch {
			case tt.wrong == "" && (err != nil || string(g) != tt.in):
				t.Errorf("%q, %v", g, err)
			case tt.wrong != "" && (err == nil || !strings.Contains(err.Error(), tt.wrong)):
				t.Errorf("%v, want %q", err, tt.wrong)
			}
		})
	}
}

func TestReplicates(t *testing.T) {
	for parameters, want := range map[string]bool{
		"": false, "user\x00replication\x00\x00": false, "user\x00app\x00replication\x00database\x00\x00": true,
		"replication\x00true\x00\x00": true, "replication\x00OFF\x00\x00": false, "replication\x00": false, "\x00": false,
	} {
		if got := greeting(opening(version3, parameters)).replicates(); got != want {
			t.Errorf("%q: %v, want %v", parameters, got, want)
		}
	}
}

// TestWhoSaysNothing is not waited for for ever.
func TestWhoSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		app, relay := net.Pipe()
		defer app.Close()
		began := time.Now()
		if _, err := greet(relay); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != greetLimit {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// FuzzGreet: whatever comes first, it is read as pgx reads it or refused, and no more
// is read than it says.
func FuzzGreet(f *testing.F) {
	f.Add(opening(version3, "user\x00app\x00\x00"))
	f.Add(append(opening(sslRequest, ""), opening(version3, "user\x00app\x00replication\x00on\x00\x00")...))
	f.Add(append(opening(gssRequest, ""), opening(sslRequest, "")...))
	f.Add(opening(cancelRequest, "\x00\x00\x00\x01\x00\x00\x00\x02"))
	f.Add([]byte("\x16\x03\x01"))
	f.Add([]byte("\x00\x00\x00\x08"))
	f.Fuzz(func(t *testing.T, in []byte) {
		app := &script{Reader: bytes.NewReader(in)}
		g, err := greet(app)
		if err != nil {
			return
		}
		if len(g) < shortestGreeting || len(g) > longestGreeting || !bytes.Contains(in, g) {
			t.Fatalf("a greeting of %d bytes: %q", len(g), g)
		}
		g.replicates()
		theirs, err := pgproto3.NewBackend(bytes.NewReader(g), nil).ReceiveStartupMessage()
		if err != nil {
			return
		}
		switch m := theirs.(type) {
		case *pgproto3.StartupMessage:
			value, has := m.Parameters["replication"]
			if g.replicates() && !has {
				t.Errorf("%q replicates: %q", g, value)
			}
		case *pgproto3.CancelRequest:
			key := append(binary.BigEndian.AppendUint32(nil, m.ProcessID), m.SecretKey...)
			if !bytes.Equal(key, g.key()) {
				t.Errorf("key %q, want %q", g.key(), key)
			}
		}
	})
}

// script is a connection that says what it was given.
type script struct {
	net.Conn
	io.Reader
}

func (s *script) Read(p []byte) (int, error)      { return s.Reader.Read(p) }
func (*script) Write(p []byte) (int, error)       { return len(p), nil }
func (*script) SetReadDeadline(t time.Time) error { return nil }

// TestGarbageAfterTheLogin is the server's to refuse; the relay goes on.
func TestGarbageAfterTheLogin(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	r := start(t, s.DirectURL(), Config{})
	conn := connect(t, r.url(t, s.DirectURL())).PgConn().Conn()
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := conn.Write([]byte("\x01\x00\x00\x00\x04Q\x00\x00\x00\x00garbage")); err != nil {
		t.Fatal(err)
	}
	said, err := io.ReadAll(conn)
	if err != nil || !strings.Contains(string(said), "08P01") {
		t.Errorf("the server said %q, %v", said, err)
	}
	if err := run("select 1")(t.Context(), connect(t, r.url(t, s.DirectURL()))); err != nil {
		t.Error(err)
	}
}

// TestAKeyOfNobody cancels nothing and dials nobody.
func TestAKeyOfNobody(t *testing.T) {
	t.Parallel()
	server, err := pgconn.ParseConfig("postgres://app@127.0.0.1:1/app?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	server.DialFunc = func(context.Context, string, string) (net.Conn, error) {
		t.Error("it was dialled")
		return nil, io.EOF
	}
	r, err := Listen(Config{Server: server, Tell: func(Event) {}, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	go r.Serve(t.Context())
	defer r.Close()
	for _, key := range []string{"", "\x00\x00\x00\x01\x00\x00\x00\x02"} {
		conn, err := net.Dial("tcp", r.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.Write(opening(cancelRequest, key))
		if said, err := io.ReadAll(conn); len(said) > 0 || err != nil {
			t.Errorf("got %q, %v", said, err)
		}
	}
}
