package supervise

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// stray is an app with a child that has left its group, and its output.
func stray() {
	c := exec.Command("sleep", "1000")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := c.Start(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("stray", c.Process.Pid)
	c.Wait()
}

// supervisor runs a family that ignores SIGTERM, tells its group and its members, and
// waits to be killed.
func supervisor() {
	p, _ := New(Config{
		Shell:  `trap '' TERM HUP; sleep 1000 & sh -c 'sleep 1000 & echo ready; wait' & wait`,
		Output: func(l Line) { fmt.Println(l.Text) },
	})
	go p.Run(context.Background())
	for now, changed := p.Status(); now.State != Up; now, changed = p.Status() {
		<-changed
	}
	fmt.Println("group", p.running().group.id)
	select {}
}

func alive(pid int) bool {
	p, ok := readProcess(pid)
	return ok && !p.zombie
}

func TestNothingOutlivesAKilledProgram(t *testing.T) {
	c := helper("supervisor")
	c.Stdout = nil
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	defer c.Wait()
	defer c.Process.Kill()
	group, ready := 0, false
	for in := bufio.NewScanner(out); (group == 0 || !ready) && in.Scan(); {
		if text, ok := strings.CutPrefix(in.Text(), "group "); ok {
			group, _ = strconv.Atoi(text)
		}
		ready = ready || in.Text() == "ready"
	}
	if n := liveIn(group); n < 5 { // the keeper, two shells, two children
		t.Errorf("%d processes are in group %d: the test looks in the wrong place", n, group)
	}
	must(t, c.Process.Signal(syscall.SIGKILL))
	eventually(t, "its group is gone", func() bool { return liveIn(group) == 0 })
}

func TestWhatLeftTheGroupEndsToo(t *testing.T) {
	for name, end := range map[string]func(*watched){
		"stopped": func(w *watched) { w.stop() },
		"killed":  func(w *watched) { w.Kill(); w.exit(); w.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			w := run(t, appConfig(t, "stray"))
			pid, err := strconv.Atoi(w.says("stray"))
			must(t, err)
			if !alive(pid) {
				t.Fatal("there is no stray: the test looks for the wrong one")
			}
			end(w)
			eventually(t, "the stray has ended", func() bool { return !alive(pid) })
		})
	}
}

// lonely supervises where there is no shell for a keeper.
func lonely() {
	self, _ := os.Executable()
	p, _ := New(Config{Args: []string{self}, Env: append(os.Environ(), as+"=idle")})
	go p.Run(context.Background())
	for now, changed := p.Status(); now.State != Up; now, changed = p.Status() {
		<-changed
	}
	now, _ := p.Status()
	fmt.Println(now.PID, p.running().group.keeper != nil)
	select {}
}

func TestWithoutAShellTheKernelEndsTheApp(t *testing.T) {
	c := helper("lonely")
	c.Env = append(c.Env, "PATH=/nowhere")
	c.Stdout = nil
	out, err := c.StdoutPipe()
	must(t, err)
	must(t, c.Start())
	defer c.Wait()
	defer c.Process.Kill()
	var pid int
	var keeper bool
	if _, err := fmt.Fscan(out, &pid, &keeper); err != nil || keeper || !alive(pid) {
		t.Fatalf("app %d is alive: %v; keeper: %v; %v", pid, alive(pid), keeper, err)
	}
	must(t, c.Process.Kill())
	eventually(t, "the app has ended", func() bool { return !alive(pid) })
}

// The kernel ends a process with the thread that started it, so Run must be on that one
// until the end.
func TestTheThreadOfAnAppIsKept(t *testing.T) {
	var apps []*watched
	ends := make(chan int, 10)
	for range cap(ends) { // one may come back to its thread by chance
		w := prepare(t, Config{Shell: "echo ready; exec sleep 1000"})
		w.cfg.OnExit = func(Exit) { ends <- syscall.Gettid() }
		ctx, cancel := context.WithCancel(t.Context())
		go func() { w.ended <- w.Run(ctx) }()
		w.stop = func() { cancel(); <-w.ended }
		apps = append(apps, w)
	}
	for _, w := range apps {
		w.ready()
	}
	for _, w := range apps {
		now, _ := w.Status()
		thread := parentThread(now.PID)
		w.stop()
		if end := <-ends; end != thread && thread != 0 {
			t.Errorf("thread %d started it, and it ended on thread %d", thread, end)
		}
	}
}

// parentThread is that of our threads which started a process; 0 where kernels do not
// tell.
func parentThread(pid int) (thread int) {
	files, _ := filepath.Glob("/proc/self/task/*/children")
	for _, file := range files {
		text, _ := os.ReadFile(file)
		if slices.Contains(strings.Fields(string(text)), strconv.Itoa(pid)) {
			fmt.Sscanf(file, "/proc/self/task/%d/", &thread)
		}
	}
	return thread
}

func TestNoFilesAreLeftOpen(t *testing.T) {
	open := func() int {
		files, err := os.ReadDir("/proc/self/fd")
		must(t, err)
		return len(files)
	}
	prepare(t, Config{Shell: "true"}).RunOnce(t.Context()) // may open what the runtime keeps
	before := open()
	lost := t.TempDir() + "/lost"
	must(t, os.WriteFile(lost, []byte("#!/no/such/interpreter\n"), 0o755))
	for _, shell := range []string{"true", "sleep 1000 & exit 1"} {
		prepare(t, Config{Shell: shell}).RunOnce(t.Context())
	}
	if _, err := prepare(t, Config{Args: []string{lost}}).RunOnce(t.Context()); err == nil {
		t.Error("it was started")
	}
	if after := open(); after > before {
		t.Errorf("%d files are open, %d were", after, before)
	}
}

// A stop without a keeper ends the group, too.
func TestWithoutAShellTheGroupEnds(t *testing.T) {
	cfg := appConfig(t, "stray")
	t.Setenv("PATH", "/nowhere")
	cfg.Env = append(cfg.Env, "PATH=/usr/bin:/bin")
	w := run(t, cfg)
	pid, err := strconv.Atoi(w.says("stray"))
	must(t, err)
	w.until("up", func(s Status) bool { return s.State == Up })
	group := w.group()
	if now, _ := w.Status(); group != now.PID {
		t.Errorf("process %d is in group %d, want one of its own", now.PID, group)
	}
	w.stop()
	gone(t, group)
	eventually(t, "the stray has ended", func() bool { return !alive(pid) })
}

// initProcess becomes the parent of what loses its own, as PID 1 does. It reaps while it
// runs commands, whose exit codes must be told.
func initProcess() {
	const setChildSubreaper = 36 // prctl(2)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, setChildSubreaper, 1, 0); errno != 0 {
		fmt.Println(errno)
		os.Exit(1)
	}
	go reap(context.Background(), time.Millisecond)
	late := exec.Command("sh", "-c", "exit 6")
	if err := late.Start(); err != nil {
		fmt.Println(err)
	}
	for i := range 20 {
		// A child that ends and is not waited for, and one whose parent is gone.
		out, err := exec.Command("sh", "-c", "(sh -c 'echo $$; exec sleep 0.01' &) ; exit 5").Output()
		if e, ok := err.(*exec.ExitError); !ok || e.ExitCode() != 5 {
			fmt.Println("run", i, "ended with", err, string(out))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for len(orphansOf(os.Getpid(), late.Process.Pid)) > 0 && pause(ctx, time.Millisecond) {
	}
	fmt.Println("left:", orphansOf(os.Getpid(), late.Process.Pid))
	late.Wait() // long after it has ended
	fmt.Println("late:", late.ProcessState.ExitCode())
}

// orphansOf returns the children of pid but for one.
func orphansOf(pid, but int) (found []int) {
	for _, p := range processes() {
		if p.parent == pid && p.pid != but {
			found = append(found, p.pid)
		}
	}
	return found
}

func TestReapLeavesExitCodesAlone(t *testing.T) {
	c := helper("init")
	c.Stdout = nil
	out, err := c.Output()
	if want := "left: []\nlate: 6\n"; err != nil || string(out) != want {
		t.Errorf("got %q, %v; want %q", out, err, want)
	}
}
