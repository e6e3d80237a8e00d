package relay

import (
	"io"
	"os/exec"
	"testing"

	"github.com/jackc/pgx/v5"
)

// ways are with and without a relay, of one run.
func ways(b *testing.B, f func(b *testing.B, address string)) {
	s := needShared(b).Primary()
	r := start(b, s.DirectURL(), Config{})
	b.Run("direct", func(b *testing.B) { f(b, s.DirectURL()) })
	b.Run("relay", func(b *testing.B) { f(b, r.url(b, s.DirectURL())) })
}

// BenchmarkSelect is one small query after the other on one connection.
func BenchmarkSelect(b *testing.B) {
	ways(b, func(b *testing.B, address string) {
		conn, err := pgx.Connect(b.Context(), address)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close(b.Context())
		for b.Loop() {
			if err := conn.QueryRow(b.Context(), "select text from notes where id = 1").Scan(new(string)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkConnect is a login, with SCRAM as it is, and its end.
func BenchmarkConnect(b *testing.B) {
	ways(b, func(b *testing.B, address string) {
		for b.Loop() {
			conn, err := pgx.Connect(b.Context(), address)
			if err != nil {
				b.Fatal(err)
			}
			conn.Close(b.Context())
		}
	})
}

const copied = 64 << 20

// BenchmarkCopyOut and BenchmarkCopyIn carry 64 MiB in rows of 1 KiB to and from psql.
func BenchmarkCopyOut(b *testing.B) {
	benchCopy(b, func(b *testing.B, address string) *exec.Cmd {
		return exec.CommandContext(b.Context(), "psql", "-Xq", "-d", address, "-c",
			"copy (select repeat('x', 1023) from generate_series(1, 65536)) to stdout")
	})
}

func BenchmarkCopyIn(b *testing.B) {
	benchCopy(b, func(b *testing.B, address string) *exec.Cmd {
		cmd := exec.CommandContext(b.Context(), "psql", "-Xq", "-d", address, "-c", "create temp table sink (line text)", "-c", "copy sink from stdin")
		cmd.Stdin = &lines{left: copied >> 10, width: 1<<10 - 1}
		return cmd
	})
}

func benchCopy(b *testing.B, command func(*testing.B, string) *exec.Cmd) {
	ways(b, func(b *testing.B, address string) {
		b.SetBytes(copied)
		for b.Loop() {
			cmd := command(b, address)
			cmd.Stdout = io.Discard
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkScan is what looking costs by itself: rows of 100 bytes.
func BenchmarkScan(b *testing.B) {
	var stream []byte
	for len(stream) < size-200 {
		stream = append(stream, message('D', string(make([]byte, 100)))...)
	}
	stream = append(stream, message('C', "SELECT 300\x00")...)
	s := scanner{looks: looksAtServer, tell: &heardNothing{}}
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		s.scan(stream)
	}
}

type heardNothing struct{}

func (*heardNothing) heard(byte, []byte, bool) {}
