//go:build linux

package wan_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"homing/bench/wan"
	"homing/edge/misbehave"
)

// namespaces are those that this process has: its descriptors' and its threads'.
func namespaces(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, pattern := range []string{"/proc/self/fd/*", "/proc/self/task/*/ns/net"} {
		links, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			if to, err := os.Readlink(link); err == nil && (strings.HasPrefix(to, "net:") || to == "/dev/net/tun") {
				found[to] = true
			}
		}
	}
	return found
}

func TestCloseLeavesNothing(t *testing.T) {
	misbehave.LeavesNothing(t)
	before := namespaces(t)
	n := newNetwork(t, near())
	connect(t, n, "gru", "ord")
	if during := namespaces(t); len(during) != len(before)+3 {
		t.Errorf("before %v, with two sites %v", before, during)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	misbehave.Eventually(t, "the namespaces and devices are gone", func() bool { return len(namespaces(t)) == len(before) })
}

func TestNobodyEntersASiteThatIsClosed(t *testing.T) {
	n := newNetwork(t, near())
	gru := n.Site("gru")
	n.Close()
	next := newNetwork(t, near()) // its descriptors are likely the same
	if l, err := gru.Listen(t.Context(), "tcp", ":80"); !errors.Is(err, os.ErrClosed) {
		t.Errorf("listening in a closed site: %v", err)
		if err == nil {
			l.Close()
		}
	}
	if l, err := next.Site("gru").Listen(t.Context(), "tcp", ":80"); err != nil {
		t.Error(err)
	} else {
		l.Close()
	}
}

func TestAFailureHalfWayLeavesNothing(t *testing.T) {
	misbehave.LeavesNothing(t)
	newNetwork(t, near()).Close() // or skip
	before := namespaces(t)
	cfg := near()
	cfg.Sysctl = map[string]string{"net.ipv4.no_such_thing": "1"}
	if _, err := wan.New(cfg); err == nil || !strings.Contains(err.Error(), "set net.ipv4.no_such_thing=1") {
		t.Errorf("%v does not say what could not be set", err)
	}
	cfg = near()
	cfg.Congestion = "none_such"
	if _, err := wan.New(cfg); err == nil || !strings.Contains(err.Error(), "none_such") {
		t.Errorf("%v does not say which congestion control there is not", err)
	}
	misbehave.Eventually(t, "the namespaces and devices are gone", func() bool { return len(namespaces(t)) == len(before) })
}

// unprivileged tells the test's program to be one that may not make networks.
const unprivileged = "WAN_UNPRIVILEGED"

func TestMain(m *testing.M) {
	if os.Getenv(unprivileged) != "" {
		_, err := wan.New(near())
		fmt.Print(err)
		return
	}
	os.Exit(m.Run())
}

func TestWhoMayNotIsToldHow(t *testing.T) {
	said, err := runWithoutPrivilege()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"network namespace", "root", "unshare --user --map-root-user"} {
		if !strings.Contains(said, part) || strings.Contains(said, "\n") {
			t.Errorf("%q is no line that names %s", said, part)
		}
	}
}

// runWithoutPrivilege runs this program without the right to make namespaces, which a
// thread hands down by giving it up.
func runWithoutPrivilege() (said string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and ends with the goroutine
		if err = unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0, 0, 0); err != nil && !errors.Is(err, unix.EPERM) {
			return // with EPERM there was no such right
		}
		var out bytes.Buffer
		cmd := exec.Command(os.Args[0])
		cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), unprivileged+"=1", "GORACE=atexit_sleep_ms=0"), &out, &out
		err = cmd.Run()
		said = out.String()
	}()
	<-done
	return said, err
}
