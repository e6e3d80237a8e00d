//go:build linux

package main

import (
	"bytes"
	"os"
	"testing"
)

func TestProgressFitsWhereItIsShown(t *testing.T) {
	for name, tt := range map[string]struct {
		terminal bool
		want     string
	}{
		"a terminal": {true, "\r\x1b[Kbuilding a\r\x1b[Kround 1\r\x1b[Kround 2\r\x1b[K"},
		"a pipe":     {false, "building a\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			s := screen{&out, tt.terminal}
			s.step("building %s", "a")
			s.replace("round %d", 1)
			s.replace("round %d", 2)
			s.replace("")
			if out.String() != tt.want {
				t.Errorf("%q, want %q", out.String(), tt.want)
			}
		})
	}
}

func TestAPipeIsNoTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if screenOn(w).terminal {
		t.Error("a pipe is taken for a terminal")
	}
	device, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer device.Close()
	if !screenOn(device).terminal {
		t.Error("no device is taken for a terminal")
	}
	t.Setenv("TERM", "dumb")
	if screenOn(device).terminal {
		t.Error("a dumb terminal cannot take a line away")
	}
}
