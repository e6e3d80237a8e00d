// Package misbehave has machines and clients that misbehave on purpose, for tests:
// slow, half-closed, reset in the middle, lying about lengths, or with a megabyte of
// headers. Only tests import it.
//
// What one does is a list of [Step]:
//
//	m := misbehave.NewMachine(t, misbehave.Head(), misbehave.Say("HTTP/1.1 20"), misbehave.Reset())
//	c := misbehave.Dial(t, addr)
//	c.Do(misbehave.Drip("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), misbehave.HalfClose())
//	answer := c.Heard()
//
// Nothing sleeps: a step that waits waits for a channel or for the other side. And
// nothing outlives its test: connections are closed at its end, or when they are
// [patience] old.
package misbehave
