//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package keys

import (
	"context"
	"io"
	"os"
)

// Terminal is where somebody types and reads. On this system there are no keys.
type Terminal struct{}

// Open returns nil: on this system there are no keys.
func Open(*os.File, io.Writer) *Terminal { return nil }

func (*Terminal) read([]byte) (int, error) { return 0, io.EOF }

func (*Terminal) giveBack() {}

func listen(chan<- os.Signal) {}

func endBy(os.Signal) {}

func stop(context.Context) {}
