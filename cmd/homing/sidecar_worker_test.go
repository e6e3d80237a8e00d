package main

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"homing/postgres/pgtest"
)

// testSidecarWorker: an image's entrypoint stands before each of its process groups, and
// nothing tells it which of them takes requests.
func testSidecarWorker(t *testing.T, bin string) {
	cluster := pgtest.Start(t, pgtest.Config{})
	b := startBeside(t, bin,
		[]string{"DATABASE_URL=" + cluster.Primary().URL(), "PSQL=" + psql(), "FLY_PROCESS_GROUP=worker"},
		"--start", "50ms", "--", "sh", "-c", `trap 'echo told; exit 7' TERM
			"$PSQL" -XAtqc "select 'asked by a ' || '$FLY_PROCESS_GROUP'" "$DATABASE_URL"
			echo "$DATABASE_URL"; while :; do sleep 0.01; done`)
	eventually(t, func() bool { return strings.Contains(b.output(), "--worker") }, b.output)
	eventually(t, func() bool { return strings.Contains(b.output(), "asked by a worker") }, b.output)
	if strings.Contains(b.output(), cluster.Primary().URL()) {
		t.Errorf("the worker is not led through the relay:\n%s", b.output())
	}
	if c, err := net.Dial("tcp", b.addr); err == nil {
		c.Close()
		t.Error("somebody listens for a worker that does not")
	}
	b.cmd.Process.Signal(syscall.SIGTERM)
	if code := b.ends(t); code != 7 || strings.Count(b.output(), "told") != 1 {
		t.Errorf("stopped: code %d\n%s", code, b.output())
	}
}
