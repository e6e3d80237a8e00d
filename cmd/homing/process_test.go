package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The program itself, as a terminal ends it: no signal that a user causes leaves
// a folder behind, or looks like a failure.
func TestSignalsEndTheDemo(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "homing")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, tc := range []struct {
		name   string
		after  string // what was printed when it is sent
		signal syscall.Signal
	}{
		{"Ctrl-C", "Ctrl-C ends it.", syscall.SIGINT},
		{"a terminal that is closed", "Ctrl-C ends it.", syscall.SIGHUP},
		{"a service that is stopped", "Ctrl-C ends it.", syscall.SIGTERM},
		{"Ctrl-C at once", "", syscall.SIGINT},
		{"a reader that goes away", "Homing:", syscall.SIGPIPE},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tmp := t.TempDir()
			cmd := exec.Command(bin, "demo", "--port", "0", "--distances", "none")
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
			cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // not to outlive this test
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			for tc.after != "" && lines.Scan() && !strings.Contains(lines.Text(), tc.after) {
			}
			if tc.after == "" {
				awaitFolder(t, tmp)
			}
			if err := cmd.Process.Signal(tc.signal); err != nil {
				t.Fatal(err)
			}
			for lines.Scan() {
			}
			if err := cmd.Wait(); err != nil {
				t.Errorf("it ended with %v", err)
			}
			if files, _ := os.ReadDir(tmp); len(files) != 0 {
				t.Errorf("%v is left", files[0])
			}
		})
	}
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
