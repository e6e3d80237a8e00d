package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// program is the demo as a process of its own.
type program struct {
	cmd    *exec.Cmd
	out    io.ReadCloser
	lines  *bufio.Scanner
	folder string // for what it leaves behind
}

// build returns the program's file.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "homing")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func startProgram(t *testing.T, bin string) *program {
	t.Helper()
	return startWith(t, bin, "demo", "--port", "0", "--distances", "none")
}

func startWith(t *testing.T, bin string, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(bin, args...), folder: t.TempDir()}
	p.cmd.Env = append(os.Environ(), "TMPDIR="+p.folder)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // not to outlive this test
	var err error
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.lines = bufio.NewScanner(p.out)
	return p
}

// until reads lines until one holds text, and returns that one; "" if none does.
func (p *program) until(text string) string {
	for p.lines.Scan() {
		if strings.Contains(p.lines.Text(), text) {
			return p.lines.Text()
		}
	}
	return ""
}

// ends waits for the end, which must look well and leave nothing.
func (p *program) ends(t *testing.T) {
	t.Helper()
	for p.lines.Scan() {
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if files, _ := os.ReadDir(p.folder); len(files) != 0 {
		t.Errorf("%v is left", files[0])
	}
}

// The program itself, as a terminal ends it: nothing that a user causes leaves a
// folder behind, or looks like a failure.
func TestSignalsEndTheDemo(t *testing.T) {
	bin := build(t)
	for name, tc := range map[string]struct {
		after string // what was printed when it is sent
		end   func(*program) error
	}{
		"Ctrl-C":                        {"Ctrl-C ends it.", sends(syscall.SIGINT)},
		"a terminal that is closed":     {"Ctrl-C ends it.", sends(syscall.SIGHUP)},
		"a service that is stopped":     {"Ctrl-C ends it.", sends(syscall.SIGTERM)},
		"Ctrl-C at once":                {"", sends(syscall.SIGINT)},
		"a reader that was never there": {"-", func(p *program) error { return nil }},
	} {
		t.Run(name, func(t *testing.T) {
			p := startProgram(t, bin)
			switch tc.after {
			case "":
				awaitFolder(t, p.folder)
			case "-": // before anything was printed, or nothing more might be
				p.out.Close()
			default:
				p.until(tc.after)
			}
			if err := tc.end(p); err != nil {
				t.Fatal(err)
			}
			p.ends(t)
		})
	}
}

func sends(s syscall.Signal) func(*program) error {
	return func(p *program) error { return p.cmd.Process.Signal(s) }
}

// TestAClientThatLeavesEndsOnlyItsRequest: writing to a connection that is gone is a
// signal, too.
func TestAClientThatLeavesEndsOnlyItsRequest(t *testing.T) {
	p := startProgram(t, build(t))
	line := p.until("http://gru.localhost:")
	addr := "127.0.0.1:" + strings.TrimSpace(line[strings.LastIndex(line, ":")+1:])
	p.until("Ctrl-C ends it.")
	// The app answers before it has read all of this, and takes no more.
	large := strings.Repeat("x", 12<<20)
	for range 20 {
		resp, err := http.Post("http://"+addr+"/entries", "application/json", strings.NewReader(large))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("got %s", resp.Status)
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	p.ends(t)
}

// awaitFolder waits until the demo has made its folder: signals are taken by then.
func awaitFolder(t *testing.T, tmp string) {
	t.Helper()
	for {
		files, err := os.ReadDir(tmp)
		if err != nil {
			t.Fatal(err)
		}
		if len(files) > 0 {
			return
		}
	}
}

// What the demo tells its users to paste works when it is pasted.
func TestThePrintedLinesWork(t *testing.T) {
	d := startDemo(t, "--distances", "none")
	_, try, _ := strings.Cut(d.out.String(), "Try, in another terminal:")
	want := map[string]string{ // by a part of the command, what it answers
		"-s ":     `"region":"gru"`,
		"-si ":    "303 See Other",
		"/visits": `"region":"ord"`,
		"-sLb":    "Mine",
	}
	ran := 0
	for line := range strings.Lines(try) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "curl") {
			continue
		}
		ran++
		out, err := exec.Command("sh", "-c", line).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
		for part, answer := range want {
			if strings.Contains(line, part) && !(part == "-s " && strings.Contains(line, "/visits")) && !strings.Contains(string(out), answer) {
				t.Errorf("%s: answered %s; want %q", line, out, answer)
			}
		}
	}
	if ran != 6 {
		t.Errorf("%d lines were printed to be pasted; want 6:\n%s", ran, try)
	}
}
