package misbehave

import (
	"bufio"
	"context"
	"io"
	"net"
	"strings"
	"time"
)

// patience is how old a connection gets: a test that hangs fails by then.
const patience = 10 * time.Second

// Conn is the connection of a machine or a client that misbehaves.
type Conn struct {
	*net.TCPConn
	ctx  context.Context // ends before the test's clean-up begins
	in   *bufio.Reader   // nil: a client's, which is read beside its steps
	seen func(target string)
}

// Step is one thing that is done on a connection. It reports whether the next one
// follows; if not, the connection has ended, or is to be.
type Step func(*Conn) bool

// Say sends text.
func Say(text string) Step {
	return func(c *Conn) bool {
		_, err := io.WriteString(c, text)
		return err == nil
	}
}

// Times sends text n times.
func Times(n int, text string) Step { return Say(strings.Repeat(text, n)) }

// ForEver sends text again and again, until the other side is gone.
func ForEver(text string) Step {
	many := Times(1+4096/len(text), text)
	return func(c *Conn) bool {
		for many(c) {
		}
		return false
	}
}

// Drip sends text one byte after the other, each in a packet of its own.
func Drip(text string) Step {
	return func(c *Conn) bool {
		for i := range len(text) {
			if !Say(text[i : i+1])(c) {
				return false
			}
		}
		return true
	}
}

// Wait waits until released is closed, or the test ends.
func Wait(released <-chan struct{}) Step {
	return func(c *Conn) bool {
		select {
		case <-released:
			return true
		case <-c.ctx.Done():
			return false
		}
	}
}

// Hang does nothing at all until the test ends.
func Hang() Step { return Wait(nil) }

// HalfClose says that nothing more will be sent.
func HalfClose() Step { return func(c *Conn) bool { return c.CloseWrite() == nil } }

// Reset ends the connection with a reset.
func Reset() Step {
	return func(c *Conn) bool {
		ResetConn(c.TCPConn)
		return false
	}
}

// End closes the connection.
func End() Step { return func(*Conn) bool { return false } }

// Head reads the head of a request. Only machines can.
func Head() Step {
	return func(c *Conn) bool {
		line, err := c.in.ReadString('\n')
		if words := strings.Fields(line); err == nil && len(words) == 3 {
			c.seen(words[1])
			return SkipHead(c.in)
		}
		return false
	}
}

// Body reads n bytes. Only machines can.
func Body(n int64) Step {
	return func(c *Conn) bool {
		_, err := io.CopyN(io.Discard, c.in, n)
		return err == nil
	}
}

// Rest reads until the other side has said all. Only machines can.
func Rest() Step {
	return func(c *Conn) bool {
		_, err := io.Copy(io.Discard, c.in)
		return err == nil
	}
}

// Loop does the steps again and again, until one of them ends the connection.
func Loop(steps ...Step) Step {
	return func(c *Conn) bool {
		for do(c, steps) {
		}
		return false
	}
}

func do(c *Conn, steps []Step) bool {
	for _, step := range steps {
		if !step(c) {
			return false
		}
	}
	return true
}

// SkipHead reads to the end of a head, and reports whether there is one.
func SkipHead(br *bufio.Reader) bool {
	for {
		line, err := br.ReadString('\n')
		if err != nil {
			return false
		}
		if line == "\r\n" {
			return true
		}
	}
}

// ResetConn closes a connection so that the other side gets a reset.
func ResetConn(c *net.TCPConn) {
	_ = c.SetLinger(0) // a connection that is gone is as good as reset
	c.Close()
}
