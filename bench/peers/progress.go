//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
)

// screen is where a run says what it is at. On a terminal that is one line, which the
// next replaces; elsewhere, where such lines would pile up, only the steps that take
// long are said, a line each.
type screen struct {
	io.Writer
	terminal bool
}

// screenOn takes any device for a terminal: what is written to /dev/null hurts nobody.
func screenOn(f *os.File) screen {
	info, err := f.Stat()
	return screen{f, err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"}
}

func (s screen) replace(format string, args ...any) {
	if s.terminal {
		fmt.Fprintf(s, "\r\x1b[K"+format, args...)
	}
}

func (s screen) step(format string, args ...any) {
	if !s.terminal {
		fmt.Fprintf(s, format+"\n", args...)
		return
	}
	s.replace(format, args...)
}

// progress says what is going on, where that can be taken away again.
func progress(format string, args ...any) { screenOn(os.Stderr).replace(format, args...) }

// step says what begins and takes long.
func step(format string, args ...any) { screenOn(os.Stderr).step(format, args...) }

// clearProgress takes the line away.
func clearProgress() { screenOn(os.Stderr).replace("") }
