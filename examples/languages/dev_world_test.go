package languages

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"homing/decision"
	"homing/region"
)

// local is "homing dev" as people run it: the program itself, in an app's folder.
type local struct {
	homing string
	cmd    *exec.Cmd
	page   string // where it tells what happens
	edges  map[region.Code]string
	ready  chan struct{} // closed when it says that it is
	ended  chan struct{} // closed when err is how it ended
	err    error

	mu   sync.Mutex
	said strings.Builder
}

// startDev starts it in a folder, and waits until it is ready. It ends with the test,
// and must then leave nothing.
func startDev(t *testing.T, dir string, args ...string) *local {
	t.Helper()
	l := &local{homing: buildHoming(t), edges: map[region.Code]string{}, ready: make(chan struct{}), ended: make(chan struct{})}
	l.cmd = exec.Command(l.homing, append([]string{"dev", "--port", "0"}, args...)...)
	folder := t.TempDir()
	// Debian's programs come first, so that no version manager's do.
	l.cmd.Env = []string{"PATH=/usr/bin:/bin:" + os.Getenv("PATH"), "HOME=" + os.TempDir(), "LANG=C.UTF-8", "TMPDIR=" + folder}
	l.cmd.Dir, l.cmd.Stdout, l.cmd.Stderr = dir, l, l
	l.cmd.WaitDelay = 5 * time.Second // for who holds its output and outlives it
	apart(l.cmd)
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		l.err = l.cmd.Wait()
		close(l.ended)
	}()
	t.Cleanup(func() {
		l.stop(t, folder)
		if t.Failed() {
			t.Logf("homing %s said:\n%s", strings.Join(l.cmd.Args[1:], " "), l.heard())
		}
	})
	l.await(t)
	return l
}

// Write takes what it says.
func (l *local) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := strings.Contains(l.said.String(), lastWords)
	l.said.Write(p)
	if !before && strings.Contains(l.said.String(), lastWords) {
		close(l.ready)
	}
	return len(p), nil
}

// lastWords are those of what it says when all runs.
const lastWords = "Ctrl-C ends it."

func (l *local) heard() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}

var (
	edgeURL = regexp.MustCompile(`http://(\w+)\.localhost:(\d+)`)
	pageURL = regexp.MustCompile(`http://127\.0\.0\.1:(\d+)\nCtrl-C`)
)

// await waits until it is ready, and reads where its edges and its page are.
func (l *local) await(t *testing.T) {
	t.Helper()
	select {
	case <-l.ready:
	case <-l.ended:
		t.Fatalf("it ended: %v", l.err)
	case <-time.After(time.Minute):
		t.Fatal("it does not say that it is ready")
	}
	for _, m := range edgeURL.FindAllStringSubmatch(l.heard(), -1) {
		l.edges[region.Code(m[1])] = "127.0.0.1:" + m[2]
	}
	l.page = pageURL.FindStringSubmatch(l.heard())[1]
}

// stop does what Ctrl-C does.
func (l *local) stop(t *testing.T, folder string) {
	members := family(l.cmd.Process.Pid)
	l.cmd.Process.Signal(os.Interrupt) //nolint:errcheck // it has ended then
	select {
	case <-l.ended:
	case <-time.After(40 * time.Second):
		l.cmd.Process.Kill() //nolint:errcheck // as above
		<-l.ended
		t.Error("it did not end when it was told to")
	}
	if l.err != nil {
		t.Errorf("it ended with %v", l.err)
	}
	if knowsProcesses && len(members) < 2 {
		t.Errorf("its processes were %v: the test looks in the wrong place", members)
	}
	if left := l.survivors(members); len(left) > 0 {
		t.Errorf("of %d processes these are left: %v", len(members), left)
	}
	if files, err := os.ReadDir(folder); err != nil || len(files) > 0 {
		t.Errorf("it left %v, %v", files, err)
	}
}

// survivors are the processes that do not end soon: what removes a folder when all else
// has ended may take a moment.
func (l *local) survivors(of []running) []running {
	for patience := time.After(5 * time.Second); ; {
		left := survivors(l.cmd.Process.Pid, of)
		if len(left) == 0 {
			return nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-patience:
			return left
		}
	}
}

func (l *local) client(at region.Code) *client { return &client{addr: l.edges[at]} }

// turn is "homing dev VERB WHAT", in another terminal.
func (l *local) turn(t *testing.T, verb string, what region.Code) {
	t.Helper()
	if out, err := exec.Command(l.homing, "dev", verb, string(what), "--port", l.page).CombinedOutput(); err != nil {
		t.Fatalf("homing dev %s %s: %v: %s", verb, what, err, out)
	}
}

// devState is what the page tells.
type devState struct {
	Regions  []devRegion
	Journeys []devJourney
}

type devRegion struct {
	Region   region.Code
	Problem  string
	Machines []devMachine
}

type devMachine struct {
	ID    string
	Ready bool
}

type devJourney struct {
	ID, Method, Path string
	Hops             []struct {
		Machine string
		Region  region.Code
		Status  int
		Reason  decision.Reason
		Problem string
	}
}

func (l *local) state(t *testing.T) (s devState) {
	t.Helper()
	resp, err := http.Get("http://127.0.0.1:" + l.page + "/state")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	return s
}

// until waits until the page tells what is wanted.
func (l *local) until(t *testing.T, what string, yes func(devState) bool) {
	t.Helper()
	for patience := time.After(30 * time.Second); ; {
		s := l.state(t)
		if yes(s) {
			return
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-patience:
			t.Fatalf("it does not come to this: %s; the regions are %+v", what, s.Regions)
		}
	}
}

func (s devState) region(code region.Code) devRegion {
	return s.Regions[slices.IndexFunc(s.Regions, func(r devRegion) bool { return r.Region == code })]
}

// arrives waits until a link is read here as it is.
func (l *local) arrives(t *testing.T, want link) {
	t.Helper()
	for patience := time.After(20 * time.Second); ; {
		a := l.client(here).get(t, fmt.Sprintf("/links/%d", want.ID))
		if got, err := a.link(); err == nil && got == want {
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-patience:
			t.Fatalf("%+v does not arrive: %v", want, a)
		}
	}
}

// journey returns what happened to a request; its record may come after its answer.
func (l *local) journey(t *testing.T, header http.Header) (j devJourney) {
	t.Helper()
	id := header.Get("Fly-Request-Id")
	l.until(t, "there is a record of "+id, func(s devState) bool {
		i := slices.IndexFunc(s.Journeys, func(j devJourney) bool { return j.ID == id })
		if i >= 0 {
			j = s.Journeys[i]
		}
		return i >= 0
	})
	return j
}

// went checks which regions were asked, the one that answered last, and for which of some
// reasons the first did what it did.
func (l *local) went(t *testing.T, header http.Header, way []region.Code, why ...decision.Reason) {
	t.Helper()
	j := l.journey(t, header)
	var went []region.Code
	for _, h := range j.Hops {
		went = append(went, h.Region)
	}
	if !slices.Equal(went, way) || !slices.Contains(why, j.Hops[0].Reason) {
		t.Errorf("%s %s: want %v, because of %v: %s", j.Method, j.Path, way, why, fmt.Sprintf("%+v", j.Hops))
	}
}
