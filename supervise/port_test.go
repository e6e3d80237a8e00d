//go:build unix

package supervise

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestAnAppThatEndsIsNotWaitedFor(t *testing.T) {
	w := run(t, Config{Shell: "echo no database; exit 1", Port: freePort(t)})
	err := w.Up(t.Context())
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Exit.Code != 1 || !strings.HasSuffix(err.Error(), ": no database") {
		t.Errorf("got %v", err)
	}
}

func TestAnAppThatListensOnAnotherPort(t *testing.T) {
	if !knowsProcesses {
		t.Skip("this system does not tell")
	}
	for _, app := range []string{"deaf", "elsewhere"} { // itself, and its child
		t.Run(app, func(t *testing.T) {
			cfg := appConfig(t, app)
			cfg.Port = freePort(t)
			w := run(t, cfg)
			port := w.says("listening on")
			want := fmt.Sprintf("the app listens on %s, not on %d as PORT says; tell it with {port} in its command", port, cfg.Port)
			w.until("seen to listen elsewhere", func(s Status) bool { return s.State == Starting && s.Problem == want })
			ports, err := w.Ports()
			if err != nil || len(ports) != 1 || strconv.Itoa(int(ports[0])) != port {
				t.Errorf("it listens on %v, %v; want %s", ports, err, port)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := w.Up(ctx); err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, context.Canceled) {
				t.Errorf("Up returned %v", err)
			}
			w.stop()
			if _, err := w.Ports(); !errors.Is(err, os.ErrProcessDone) {
				t.Errorf("the ports of nothing: %v", err)
			}
		})
	}
}

func TestAnAppThatListensNowhere(t *testing.T) {
	w := run(t, Config{Shell: "exec sleep 1000", Port: freePort(t)})
	now := w.until("seen not to listen", func(s Status) bool { return s.Problem != "" })
	if want := fmt.Sprintf("nothing listens on port %d", w.cfg.Port); now.Problem != want {
		t.Errorf("got %q, want %q", now.Problem, want)
	}
}

func TestAPortThatIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	cfg := appConfig(t, "listener")
	cfg.Port = uint16(l.Addr().(*net.TCPAddr).Port)
	w := run(t, cfg)
	if err := w.Up(t.Context()); err == nil || !strings.Contains(err.Error(), "in use by another program") {
		t.Errorf("got %v", err)
	}
	l.Close()
	w.until("up when the port is free", func(s Status) bool { return s.State == Up })
}

func TestAnIPv6Listener(t *testing.T) {
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip(err)
	}
	defer l.Close()
	if c := (Config{Port: uint16(l.Addr().(*net.TCPAddr).Port)}); !c.accepts(t.Context()) {
		t.Error("it was not found")
	}
}

func TestList(t *testing.T) {
	for want, ports := range map[string][]uint16{"": nil, "1": {1}, "1 and 2": {1, 2}, "1, 2 and 3": {1, 2, 3}} {
		if got := list(ports); got != want {
			t.Errorf("%v: %q, want %q", ports, got, want)
		}
	}
}
