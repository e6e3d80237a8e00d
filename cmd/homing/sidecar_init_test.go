package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// asInit returns a program that runs bin as PID 1, as a container does.
func asInit(t *testing.T, bin string) string {
	t.Helper()
	unshare := []string{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"}
	if os.Geteuid() != 0 {
		unshare = append(unshare, "--user", "--map-root-user")
	}
	if out, err := exec.Command(unshare[0], append(unshare[1:], "true")...).CombinedOutput(); err != nil {
		t.Fatalf("no process can be PID 1 here: %q: %v, %s; install util-linux 2.32 or newer, and run as root, in a container with the right to "+
			"(docker run --privileged), or where users may have namespaces (sysctl kernel.unprivileged_userns_clone=1)", unshare, err, out)
	}
	file := filepath.Join(t.TempDir(), "init")
	if err := os.WriteFile(file, []byte("#!/bin/sh\nexec "+strings.Join(unshare, " ")+" "+bin+` "$@"`+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// initProcess is a sidecar that is PID 1 of its own world.
type initProcess struct {
	*beside
	pid int // out here
}

// startInit starts one around sidecar/testdata/app.js; the shell text runs before it.
func startInit(t *testing.T, bin, before string) initProcess {
	t.Helper()
	b := startBeside(t, bin, nil, "--", "sh", "-c", before+" exec node ../../sidecar/testdata/app.js")
	t.Cleanup(func() { b.cmd.Process.Kill() }) // unshare does not pass signals on
	b.listens(t)
	return initProcess{b, children(b.cmd.Process.Pid)[0]}
}

// children returns the children of a process, dead ones that nobody has waited for too.
func children(pid int) (found []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file) // the thread may have ended
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				found = append(found, child)
			}
		}
	}
	return found
}

func testSidecarAsInit(t *testing.T, bin string) {
	bin = asInit(t, bin)
	t.Run("orphans are waited for, and a stop lets requests end", func(t *testing.T) {
		over := filepath.Join(t.TempDir(), "over")
		const orphans = 5
		p := startInit(t, bin, fmt.Sprintf(`for i in $(seq %d); do (sh -c 'while [ ! -e %s ]; do sleep 0.01; done' &); done;`, orphans, over))
		said := func() string { return fmt.Sprint(children(p.pid)) }
		eventually(t, func() bool { return len(children(p.pid)) == 1+orphans }, said)
		if err := os.WriteFile(over, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool { return len(children(p.pid)) == 1 }, said)
		slow := make(chan string, 1)
		go func() { slow <- get("http://" + p.addr + "/slow") }()
		eventually(t, func() bool { return strings.Contains(p.output(), "slow has begun") }, p.output)
		syscall.Kill(p.pid, syscall.SIGTERM)
		if got := <-slow; got != "200 slow, but whole" {
			t.Errorf("a request under way got %q", got)
		}
		if code := p.ends(t); code != 128+int(syscall.SIGTERM) {
			t.Errorf("stopped: code %d", code)
		}
	})
	t.Run("its exit code is the app's", func(t *testing.T) {
		p := startInit(t, bin, "sleep 1000 &")
		get("http://" + p.addr + "/crash")
		if code := p.ends(t); code != 3 || !strings.Contains(p.output(), "exit code 3") {
			t.Errorf("crashed: code %d, said %s", code, p.output())
		}
	})
}
