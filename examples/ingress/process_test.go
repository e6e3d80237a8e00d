package ingress_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// process is a program that runs.
type process struct {
	cmd   *exec.Cmd
	said  *bytes.Buffer // to be read when it has ended
	ended chan struct{} // closed then
}

// launch starts a program that ends with the test.
func launch(t *testing.T, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: cmd, said: new(bytes.Buffer), ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.said, p.said
	dieWithUs(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v; scripts/setup installs what the tests need", err)
	}
	go func() {
		cmd.Wait() //nolint:errcheck // ProcessState tells
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.stop(t)
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(cmd.Path), p.said)
		}
	})
	return p
}

// stop ends the program as an operator would. It may have ended before.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGINT) //nolint:errcheck // it has ended then
	select {
	case <-p.ended:
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill() //nolint:errcheck // as above
		<-p.ended
		t.Errorf("%s did not end when it was told to", p.cmd.Path)
	}
}

// answers waits until there is an answer of a status at a URL which the program is
// needed for.
func (p *process) answers(t *testing.T, url string, status int) {
	t.Helper()
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	var last any
	for patience := time.After(30 * time.Second); ; {
		resp, err := client.Get(url)
		if last = err; err == nil {
			resp.Body.Close()
			if last = resp.Status; resp.StatusCode == status {
				return
			}
		}
		select {
		case <-p.ended:
			t.Fatalf("%s ended: %v", p.cmd.Path, p.cmd.ProcessState)
		case <-patience:
			t.Fatalf("%s: %v", url, last)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// freeAddr returns an address that was free a moment ago. Its port is none that
// systems give to outgoing connections, so that it stays free while nobody listens.
func freeAddr() string {
	for {
		addr := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(10_000))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
}
