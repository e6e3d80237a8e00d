//go:build linux

package wan_test

import (
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"homing/bench/wan"
)

// in runs a command in a site and returns what it says.
func in(t *testing.T, s *wan.Site, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := s.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	return said.String()
}

func TestSitesAreApart(t *testing.T) {
	n := newNetwork(t, near())
	for _, s := range []*wan.Site{n.Site("gru"), n.Site("ord")} {
		l, err := s.Listen(t.Context(), "tcp", "127.0.0.1:80")
		if err != nil {
			t.Fatalf("the same port in each site: %v", err)
		}
		defer l.Close()
	}
	c, err := n.Site("gru").DialContext(t.Context(), "tcp", "127.0.0.1:80")
	if err != nil {
		t.Fatalf("a site's own loopback: %v", err)
	}
	c.Close()
	if c, err := n.Site("gru").DialContext(t.Context(), "tcp", n.Site("ord").Addr().String()+":80"); err == nil {
		c.Close()
		t.Error("a site reached another's loopback")
	}
}

func TestDialKnowsSitesAndAddressesOnly(t *testing.T) {
	n := newNetwork(t, near())
	for addr, want := range map[string]string{
		"example.com:80": `"example.com" is neither a site nor an address`,
		"ord":            "missing port",
		"ams:80":         `"ams" is neither`,
	} {
		if _, err := n.Site("gru").DialContext(t.Context(), "tcp", addr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("dial %s: %v, want %s", addr, err, want)
		}
	}
	if n.Site("ams") != nil {
		t.Error("there is a site that nobody asked for")
	}
}

func TestAProcessRunsInItsSite(t *testing.T) {
	n := newNetwork(t, near())
	if devices := in(t, n.Site("gru"), "cat", "/proc/net/dev"); !strings.Contains(devices, "wan0") {
		t.Errorf("the process sees these devices:\n%s", devices)
	}
}

func TestSettingsAreThoseOfEachSite(t *testing.T) {
	const name, file = "net.ipv4.tcp_slow_start_after_idle", "/proc/sys/net/ipv4/tcp_slow_start_after_idle"
	for value, sysctl := range map[string]map[string]string{"1": nil, "0": {name: "0"}} {
		cfg := near()
		cfg.Sysctl = sysctl
		n := newNetwork(t, cfg)
		for _, s := range []*wan.Site{n.Site("gru"), n.Site("ord")} {
			if got := in(t, s, "cat", file); got != value+"\n" {
				t.Errorf("with %v %s is %q", sysctl, name, got)
			}
		}
	}
}

func TestTheCongestionControlIsNotThisMachines(t *testing.T) {
	for set, want := range map[string]string{"": "cubic", "reno": "reno"} {
		cfg := near()
		cfg.Congestion = set
		near, far := connect(t, newNetwork(t, cfg), "gru", "ord")
		for _, c := range []any{near, far} {
			raw, err := c.(interface {
				SyscallConn() (syscall.RawConn, error)
			}).SyscallConn()
			if err != nil {
				t.Fatal(err)
			}
			raw.Control(func(fd uintptr) {
				if got, err := unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION); got != want {
					t.Errorf("%q, %v; want %s", got, err, want)
				}
			})
		}
	}
}
