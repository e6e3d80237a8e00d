package edge_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
)

// mortal is a machine that is a process of its own, so that it can be killed as
// machines are: in the middle of whatever it does. It counts in a file, which
// outlives it.
type mortal struct {
	id     machine.ID
	region region.Code
	file   string // one line for each execution: the request's ID
	cmd    *exec.Cmd
}

// mortalOrders is the environment variable that makes a test binary a machine:
// its region, that of the primary, and its file.
const mortalOrders = "HOMING_TEST_MACHINE"

// start runs the machine, and returns once it listens.
func (m *mortal) start(primary region.Code) (fleet.Machine, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s", mortalOrders, m.region, primary, m.file), "GOMAXPROCS=1")
	cmd.Stderr = os.Stderr
	dieWithUs(cmd)
	if _, err := cmd.StdinPipe(); err != nil { // its end tells the machine that we are gone
		return fleet.Machine{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fleet.Machine{}, err
	}
	if err := cmd.Start(); err != nil {
		return fleet.Machine{}, err
	}
	m.cmd = cmd
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		m.kill()
		return fleet.Machine{}, fmt.Errorf("machine %s did not begin: %w", m.id, err)
	}
	return fleet.Machine{ID: m.id, App: "web", Region: m.region, Addr: strings.TrimSpace(addr), Healthy: true}, nil
}

// kill ends the machine at once. A second call does nothing.
func (m *mortal) kill() {
	if m.cmd != nil {
		_ = m.cmd.Process.Kill() // fails only if it has ended
		_ = m.cmd.Wait()         // says that it was killed
		m.cmd = nil
	}
}

// execution is a request that ran.
type execution struct {
	id       string
	region   region.Code
	replayed bool
}

// executions returns the requests that ran here, in order.
func (m *mortal) executions(t *testing.T) (all []execution) {
	text, err := os.ReadFile(m.file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.FieldsSeq(string(text)) {
		kind, id, _ := strings.Cut(line, ":")
		all = append(all, execution{id, m.region, kind == "replayed"})
	}
	return all
}

// beMortal is the process of such a machine.
func beMortal(orders string) error {
	words := strings.SplitN(orders, " ", 3)
	counts, err := os.OpenFile(words[2], os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // ends when the test does
		os.Exit(0)
	}()
	return http.Serve(l, &countingApp{counts: counts, here: words[0], primary: words[1]})
}

// countingApp writes down each request that it carries out, before it answers.
type countingApp struct {
	counts        *os.File
	here, primary string
}

func (a *countingApp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	work()
	if how := r.Header.Get("How"); how != "here" && a.here != a.primary && r.Header.Get("Fly-Replay-Failed") == "" {
		a.replay(w, how)
		return
	}
	kind := "asked"
	if r.Header.Get("Fly-Replay-Src")+r.Header.Get("Fly-Replay-Failed") != "" {
		kind = "replayed"
	}
	// One call, and O_APPEND. A machine that is killed where a page of the file ends
	// leaves half a line; the next must not be taken for its rest.
	if _, err := a.counts.WriteString("\n" + kind + ":" + r.Header.Get("Count") + "\n"); err != nil {
		panic(err)
	}
	work()
	w.Header().Set("Ran", a.here)
	fmt.Fprint(w, r.Header.Get("Count"))
}

// work takes up to two milliseconds, so that there is something to be killed in.
func work() { <-time.After(rand.N(2 * time.Millisecond)) }

// replay asks for the primary in one of the ways that there are.
func (a *countingApp) replay(w http.ResponseWriter, how string) {
	switch how {
	case "json":
		w.Header().Set("Content-Type", "application/vnd.fly.replay+json")
		fmt.Fprintf(w, `{"region":%q,"state":"method"}`, a.primary)
	case "fallback":
		w.Header().Set("Fly-Replay", "region="+a.primary+";timeout=20ms;fallback=prefer_self")
		w.WriteHeader(http.StatusConflict)
	default:
		w.Header().Set("Fly-Replay", "region="+a.primary+";state=method")
		w.WriteHeader(http.StatusConflict)
	}
}
