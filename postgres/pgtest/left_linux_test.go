package pgtest_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"homing/postgres/pgtest"
)

// asChild in the environment makes the test binary a process that starts a cluster
// and waits to be killed.
const asChild = "PGTEST_AS_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(asChild) != "" {
		child()
	}
	os.Exit(m.Run())
}

func child() {
	c, err := pgtest.New(context.Background(), pgtest.Config{Replicas: 1, PgBouncer: true})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	var data string
	for _, s := range append(c.Replicas(), c.Primary()) {
		if data, err = dataOf(s); err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
	}
	fmt.Println(filepath.Dir(data)) // the cluster's
	select {}
}

// in returns the processes that work in a folder, removed or not.
func in(dir string) (found []string) {
	links, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, link := range links {
		if at, err := os.Readlink(link); err == nil && strings.HasPrefix(at, dir) {
			found = append(found, link)
		}
	}
	return found
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func TestNothingOutlivesAKilledProcess(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	must(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asChild+"=1")
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	said, err := bufio.NewReader(out).ReadString('\n')
	cluster := strings.TrimSpace(said)
	if err != nil || !filepath.IsAbs(cluster) {
		cmd.Process.Kill()
		t.Fatalf("the child said %q, %v", said, err)
	}
	if len(in(cluster)) < 8 { // two servers with their children, two PgBouncers
		t.Errorf("the cluster's processes are %v: the test looks in the wrong place", in(cluster))
	}
	must(t, cmd.Process.Signal(syscall.SIGKILL))
	cmd.Wait()
	eventually(t, "its processes have ended", func() bool { return len(in(cluster)) == 0 })
	eventually(t, "its folder is gone", func() bool { return !exists(filepath.Dir(cluster)) })
}

func TestNothingOutlivesItsCluster(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c, err := pgtest.New(ctx, pgtest.Config{Replicas: 1, PgBouncer: true})
	must(t, err)
	data, err := dataOf(c.Primary())
	must(t, err)
	segment := segmentOf(t, data)
	if !strings.Contains(segments(t), segment) {
		t.Errorf("there is no shared memory %s: the test looks for the wrong one", segment)
	}
	must(t, c.Primary().Stop(ctx, pgtest.Kill))
	if strings.Contains(segments(t), segment) {
		t.Errorf("the killed server left its shared memory %s", segment)
	}
	must(t, c.Close())
	must(t, c.Close())
	dir := filepath.Dir(data)
	if left := in(dir); len(left) > 0 || exists(dir) {
		t.Errorf("processes %v are left, and the folder: %v", left, exists(dir))
	}
}

// segmentOf is the number of a running server's shared memory, as segments shows it.
func segmentOf(t testing.TB, data string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	must(t, err)
	fields := strings.Fields(strings.Split(string(text), "\n")[6])
	return fmt.Sprintf(" %s ", fields[1])
}

func segments(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("/proc/sysvipc/shm")
	must(t, err)
	return string(text)
}
