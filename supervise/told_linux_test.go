package supervise

import (
	"os"
	"syscall"
	"testing"
)

// workerText tells each signal that it gets, and takes a while to end.
const workerText = `trap 'echo told; told=1' TERM INT
echo ready
while [ -z "$told" ]; do sleep 0.01; done
sleep 0.1
true`

// Who is told twice may take that for "at once", and drop what it was about.
func TestEachIsToldOnce(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(dir+"/worker", []byte(workerText), 0o600))
	const tells, leaves = ` & w=$!; trap 'sleep 0.05; kill -TERM $w' TERM; wait $w; wait $w`, ` & trap 'exit 0' TERM; wait`
	for name, tc := range map[string]struct {
		shell  string
		signal syscall.Signal
	}{
		"by its parent":                             {"sh worker" + tells, syscall.SIGTERM},
		"by its parent, in a group of its own":      {"setsid sh worker" + tells, syscall.SIGTERM},
		"when its parent has ended":                 {"sh worker" + leaves, syscall.SIGTERM},
		"when its parent has ended, in a group too": {"setsid sh worker" + leaves, syscall.SIGTERM},
		"with its parent, as by a terminal":         {"trap : INT; sh worker; true", syscall.SIGINT},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := run(t, Config{Shell: tc.shell, Dir: dir, Signal: tc.signal, Grace: patience})
			w.ready()
			w.stop()
			e, told := w.exit(), 0
			for _, line := range e.Last {
				if line == "told" {
					told++
				}
			}
			if told != 1 || e.Killed {
				t.Errorf("it was told %d times, and ended with %s", told, e)
			}
		})
	}
}
