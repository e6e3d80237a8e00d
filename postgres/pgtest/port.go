package pgtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"
)

// errTaken is the end of a program whose port somebody else had.
var errTaken = errors.New("the port is taken")

// wasTaken reports whether a program ended with its log saying so.
func wasTaken(log string) bool { return strings.Contains(log, "Address already in use") }

// onPort calls launch with a port until that does not fail with errTaken. A port
// that was found free may be taken a moment later, so only a program that listens
// has it. A port other than 0 was had before, and is waited for.
func onPort(ctx context.Context, port int, launch func(port int) error) (int, error) {
	const tries = 20
	var err error
	for range tries {
		at := port
		if at == 0 {
			at = freePort()
		}
		if err = launch(at); !errors.Is(err, errTaken) {
			return at, err
		}
		if port == 0 {
			continue
		}
		if pause(ctx, 100*time.Millisecond) != nil {
			break
		}
	}
	return 0, fmt.Errorf("%w, and stays so", err)
}

// freePort returns one that was free a moment ago, below those from which systems
// draw the ports of outgoing connections: there it might be taken while its server
// is stopped.
func freePort() int {
	for {
		port := 20_000 + rand.IntN(12_000)
		if l, err := net.Listen("tcp", loopback(port)); err == nil {
			l.Close()
			return port
		}
	}
}
