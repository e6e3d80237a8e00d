//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The cores of the two sides.
const (
	proxyCore = "0"
	loadCore  = "1"
)

// process is one that we started, and what it started.
type process struct {
	label  string
	cmd    *exec.Cmd
	output string // file of what it wrote
	ended  chan struct{}
	over   sync.Once
}

// start starts a program on a core. Its group has its own ID, so that those it starts
// are counted and ended with it.
func start(name, core, dir string, argv ...string) (*process, error) {
	return startWith(name, dir, []string{"GOMAXPROCS=1"}, append([]string{"taskset", "-c", core}, argv...)...)
}

// startWith starts a program on all cores, with additions to its environment.
func startWith(name, dir string, env []string, argv ...string) (*process, error) {
	p := &process{label: name, output: filepath.Join(dir, name+".log"), ended: make(chan struct{})}
	file, err := os.OpenFile(p.output, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = file, file, dir
	p.cmd.Env = append(append(os.Environ(), "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its output
		close(p.ended)
	}()
	return p, nil
}

// stop ends the process, and after two seconds whatever is left of its group. It may be
// called again: the ID may be somebody else's by then.
func (p *process) stop() { p.over.Do(p.end) }

func (p *process) end() {
	_ = syscall.Kill(p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(2 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.ended
}

// until asks ready again and again, for ten seconds at most. The error says what the
// process wrote.
func (p *process) until(ctx context.Context, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		if ready() {
			return nil
		}
		select {
		case <-again.C:
		case <-p.ended:
			return p.failed("ended")
		case <-ctx.Done():
			return p.failed("is not ready")
		}
	}
}

func (p *process) failed(how string) error {
	said, _ := os.ReadFile(p.output)
	return fmt.Errorf("%s %s; it wrote: %s", p.label, how, strings.TrimSpace(string(said)))
}

// line waits for the first line that the process writes.
func (p *process) line(ctx context.Context) (string, error) {
	var line string
	err := p.until(ctx, func() bool {
		file, err := os.Open(p.output)
		if err != nil {
			return false
		}
		defer file.Close()
		line, err = bufio.NewReader(file).ReadString('\n')
		return err == nil
	})
	return strings.TrimSpace(line), err
}

// answers waits until the process answers requests for url.
func (p *process) answers(ctx context.Context, url string) error {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	return p.until(ctx, func() bool {
		resp, err := client.Get(url)
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// output runs a program on the load's core to its end, and returns what it wrote.
func output(ctx context.Context, argv ...string) (string, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 2 * time.Second
	said, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%s failed: %s", argv[0], strings.TrimSpace(string(said)))
	}
	return string(said), err
}

// wrote reports whether the process has written these words.
func (p *process) wrote(words string) bool {
	said, _ := os.ReadFile(p.output)
	return strings.Contains(string(said), words)
}
