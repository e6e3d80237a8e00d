package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// The demo as its users have it, without the distances: what is asserted here is
// what happens, not how long it takes.
func TestDemo(t *testing.T) {
	d := startDemo(t, "--distances", "none")
	for name, test := range map[string]func(*testing.T, *demoRun){
		"reads are answered where they arrive":             testReadsAreLocal,
		"a POST runs once, in ord, with its whole body":    testPostRunsOnceAtHome,
		"a form leads back to the page with its entry":     testFormLeadsBack,
		"a GET that writes is tried here and sent home":    testVisitsAreCaptured,
		"twenty parallel writes are all seen by the next":  testParallelWrites,
		"what cannot be served costs only that request":    testBadInput,
		"without a primary a write fails with a reason":    testNoPrimary,
		"a page from another website cannot work switches": testForeignOrigin,
		"what happens is counted":                          testMetrics,
	} {
		t.Run(name, func(t *testing.T) { test(t, d.in(t)) })
	}
}

// in returns the same demo for a subtest.
func (d *demoRun) in(t *testing.T) *demoRun {
	copied := *d
	copied.t = t
	return &copied
}

func testReadsAreLocal(t *testing.T, d *demoRun) {
	for _, region := range []string{"ord", "gru", "ams"} {
		v := d.visitor(region, true)
		if got := v.list().Region; got != region {
			t.Errorf("a read in %s was answered in %s", region, got)
		}
		a := v.get("/")
		if !strings.Contains(a.body, "straight from the edge in "+region) {
			t.Errorf("the page in %s does not say how the request came:\n%s", region, a.body)
		}
	}
}

func testPostRunsOnceAtHome(t *testing.T, d *demoRun) {
	for _, region := range []string{"gru", "ams"} {
		v := d.visitor(region, true)
		text := region + " " + strings.Repeat("whole ", 1500) + "end"
		j := d.journey(v.mustWrite(text).id())
		if len(j.Hops) != 2 || !j.Hops[0].Replayed || j.Hops[0].Region != region || j.Hops[0].Reason != "method" || j.Hops[1].Region != "ord" {
			t.Errorf("hops %+v; want %s to send it to ord because of its method", j.Hops, region)
		}
		if n := v.list().has(text); n != 1 {
			t.Errorf("the entry is there %d times; want once", n)
		}
	}
}

func testFormLeadsBack(t *testing.T, d *demoRun) {
	v := d.visitor("ams", true)
	a, err := v.post("/entries", "application/x-www-form-urlencoded", "author=Ana&text=from+a+form")
	if err != nil {
		t.Fatal(err)
	}
	if a.status != http.StatusSeeOther || a.header.Get("Location") != "/" {
		t.Errorf("status %d to %q; want 303 to /", a.status, a.header.Get("Location"))
	}
	if page := v.get("/"); !strings.Contains(page.body, "from a form") {
		t.Error("the page after the form lacks the entry")
	}
}

func testMetrics(t *testing.T, d *demoRun) {
	before := d.metrics()
	d.journey(d.visitor("gru", true).mustWrite("counted").id())
	after := d.metrics()
	for _, name := range []string{
		`homing_requests_total{class="2xx",edge="gru",method="POST",region="ord"}`,
		`homing_replays_total{reason="method"}`,
		`homing_request_duration_seconds_count{answered="replayed",edge="gru"}`,
	} {
		// Other tests write at the same time, perhaps.
		if after[name] < before[name]+1 {
			t.Errorf("%s went from %v to %v", name, before[name], after[name])
		}
	}
	for _, name := range []string{`homing_errors_total{code="PL02"}`, `homing_kept_body_bytes{edge="ams"}`} {
		if _, there := after[name]; !there {
			t.Errorf("%s is not there", name)
		}
	}
}

// metrics reads what was counted, by the name and labels of each line.
func (d *demoRun) metrics() map[string]float64 {
	d.t.Helper()
	resp, err := http.Get(d.page + "/metrics")
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		d.t.Fatalf("%s, %v", resp.Status, err)
	}
	m := make(map[string]float64)
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.ParseFloat(value, 64); err == nil {
			m[name] = n
		}
	}
	return m
}

func testVisitsAreCaptured(t *testing.T, d *demoRun) {
	visits := 0
	for _, region := range []string{"gru", "ams"} {
		v := d.visitor(region, false) // with a token the replica might be asked to wait first
		for range 3 {
			visits++
			a := v.get("/visits")
			if want := fmt.Sprintf(`"visits":%d}`, visits); a.status != http.StatusOK || !strings.Contains(a.body, `"region":"ord"`) || !strings.Contains(a.body, want) {
				t.Errorf("status %d: %s; want %s from ord", a.status, a.body, want)
			}
			j := d.journey(a.id())
			if len(j.Hops) != 2 || j.Hops[0].Region != region || j.Hops[0].Reason != "captured" {
				t.Errorf("hops %+v; want the first to be captured in %s", j.Hops, region)
			}
		}
	}
	if n := strings.Count(d.errOut.String(), "GET /visits"); n != 2 {
		t.Errorf("the log names the route %d times; want once for each of 2 machines:\n%s", n, d.errOut)
	}
}

func testParallelWrites(t *testing.T, d *demoRun) {
	v := d.visitor("gru", true)
	d.turn("gru", "hold") // or replication might be quick enough to hide a lost token
	defer d.turn("gru", "release")
	errs := make(chan error, 20)
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			_, err := v.write(fmt.Sprintf("parallel %d", i))
			errs <- err
		})
	}
	wait.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	l := v.list()
	for i := range 20 {
		if n := l.has(fmt.Sprintf("parallel %d", i)); n != 1 {
			t.Errorf("entry %d is there %d times; want once", i, n)
		}
	}
}

func testBadInput(t *testing.T, d *demoRun) {
	v, home := d.visitor("gru", true), d.visitor("ord", false)
	before := home.list() // gru may still be about to get what other tests wrote
	for name, tc := range map[string]struct {
		method, path, kind, body string
		header                   http.Header
		want                     int
		says                     string
	}{
		"a token that is none":        {method: "GET", path: "/entries", header: http.Header{"Homing-Position": {"what?"}}, want: 200},
		"a token of another cluster":  {method: "GET", path: "/entries", header: http.Header{"Homing-Position": {"1.sqlite.ffff.0000000000000001"}}, want: 200},
		"a forged token":              {method: "GET", path: "/entries", header: http.Header{"Homing-Position": {"1.sqlite.ffff.0000000000000001.aa.AAAAAAAAAAAAAAAAAAAAAA"}}, want: 200},
		"an oversized token":          {method: "GET", path: "/entries", header: http.Header{"Homing-Position": {strings.Repeat("x", 5000)}}, want: 200},
		"a cookie full of rubbish":    {method: "GET", path: "/entries", header: http.Header{"Cookie": {strings.Repeat("homing-position-x=;;=%00; ", 400)}}, want: 200},
		"a head of 100 KiB":           {method: "GET", path: "/entries", header: http.Header{"X-Long": {strings.Repeat("x", 100<<10)}}, want: 431},
		"a form without text":         {method: "POST", path: "/entries", kind: "application/x-www-form-urlencoded", body: "author=x", want: 422, says: "no text"},
		"a form of 100 KiB":           {method: "POST", path: "/entries", kind: "application/x-www-form-urlencoded", body: "text=" + strings.Repeat("x", 100<<10), want: 413, says: "larger than"},
		"a form that is cut short":    {method: "POST", path: "/entries", kind: "multipart/form-data; boundary=x", body: "--x\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhal", want: 400, says: "cannot be read"},
		"JSON that is none":           {method: "POST", path: "/entries", kind: "application/json", body: "{", want: 400, says: "cannot be read"},
		"a kind that nobody knows":    {method: "POST", path: "/entries", kind: "text/rubbish", body: "x", want: 415, says: "send a form"},
		"a text of 10,001 characters": {method: "POST", path: "/entries", kind: "application/json", body: `{"text":"` + strings.Repeat("ü", 10_001) + `"}`, want: 422, says: "longer than"},
		"an entry that is not there":  {method: "POST", path: "/entries/999999/like", want: 404, says: "no such entry"},
		"a path that is not there":    {method: "GET", path: "/nowhere", want: 404},
		"a body beyond the limit":     {method: "POST", path: "/entries", kind: "application/json", body: strings.Repeat("x", 11<<20), want: 400, says: "cannot be read"}, // the app has seen it, at home
	} {
		req, err := http.NewRequest(tc.method, v.base+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range tc.header {
			req.Header[name] = values
		}
		req.Header.Set("Content-Type", tc.kind)
		a, err := v.do(req)
		if err != nil || a.status != tc.want || !strings.Contains(a.body, tc.says) {
			t.Errorf("%s: status %d, %v, %.200q; want %d and %q", name, a.status, err, a.body, tc.want, tc.says)
		}
	}
	if after := home.list(); len(after.Entries) != len(before.Entries) {
		t.Errorf("there were %d entries before and are %d after", len(before.Entries), len(after.Entries))
	}
}

func testNoPrimary(t *testing.T, d *demoRun) {
	d.turn("ord", "stop")
	defer d.turn("ord", "start")
	a, err := d.visitor("gru", true).write("to nobody")
	if a.status != http.StatusServiceUnavailable || a.header.Get("Homing-Error") != "PR03" || !strings.Contains(a.body, "no primary now") {
		t.Errorf("status %d, %q, %v: %s; want 503 with PR03 that says there is no primary", a.status, a.header.Get("Homing-Error"), err, a.body)
	}
	if got := d.visitor("gru", true).list().Region; got != "gru" {
		t.Errorf("a read in gru was answered in %s", got)
	}
}

func testForeignOrigin(t *testing.T, d *demoRun) {
	for name, change := range map[string]func(*http.Request){
		"another website's origin":   func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"the guestbook's own origin": func(r *http.Request) { r.Header.Set("Origin", d.regions()["gru"].EdgeURL) },
		"a name that was rebound":    func(r *http.Request) { r.Host = "evil.example" },
	} {
		req, err := http.NewRequest(http.MethodPost, d.page+"/regions/gru/stop", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(req)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode < 400 || !d.regions()["gru"].Running {
			t.Errorf("%s: status %d, and the machine runs: %v", name, resp.StatusCode, d.regions()["gru"].Running)
		}
	}
}

const pairs = 1000

// A gate holds replication back until the read that follows a write has arrived.
// The pairs come in turn from gru and ams.
func TestWriteThenReadThroughAGate(t *testing.T) {
	d := startDemo(t, "--distances", "none")
	for _, tc := range []struct {
		name    string
		cookies bool
		// pair writes and reads.
		pair  func(d *demoRun, v *visitor, region, text string) listing
		stale int // of all pairs
		local int // at least
	}{
		{"without its token every read is stale", false, heldUntilAnswered, pairs, pairs},
		{"with its token none is", true, heldUntilWaited, 0, 0},
		{"with the gate open most are answered here", true, open, 0, pairs/2 + 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := d.in(t)
			regions := []string{"gru", "ams"}
			visitors := []*visitor{d.visitor("gru", tc.cookies), d.visitor("ams", tc.cookies)}
			stale, local := 0, 0
			for i := range pairs {
				region, text := regions[i%2], fmt.Sprintf("%s %d", tc.name, i)
				l := tc.pair(d, visitors[i%2], region, text)
				if l.has(text) != 1 {
					stale++
				}
				if l.Region == region {
					local++
				}
			}
			t.Logf("of %d reads %d were stale and %d answered where they arrived", pairs, stale, local)
			if stale != tc.stale || local < tc.local {
				t.Errorf("want %d stale, and at least %d answered where they arrived", tc.stale, tc.local)
			}
		})
	}
}

func open(_ *demoRun, v *visitor, _, text string) listing {
	v.mustWrite(text)
	return v.list()
}

func heldUntilAnswered(d *demoRun, v *visitor, region, text string) listing {
	d.turn(region, "hold")
	defer d.turn(region, "release")
	return open(d, v, region, text)
}

// heldUntilWaited opens the gate when the read waits for it, or has been answered
// elsewhere.
func heldUntilWaited(d *demoRun, v *visitor, region, text string) listing {
	d.turn(region, "hold")
	v.mustWrite(text)
	read := make(chan listing, 1)
	go func() { defer close(read); read <- v.list() }() // list ends it if it fails
	for {
		select {
		case l := <-read:
			d.turn(region, "release")
			return l
		default:
		}
		if d.regions()[region].Waiting > 0 {
			d.turn(region, "release")
			return <-read
		}
	}
}

func TestDemoReport(t *testing.T) {
	table := filepath.Join(t.TempDir(), "distances")
	if err := os.WriteFile(table, []byte("# round trips\nord gru 20ms\nams ord 10ms\ngru ams 25ms\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startDemo(t, "--distances", table)
	out := d.out.String()
	for _, want := range []string{"São Paulo", "20.0 ms", "10.0 ms", "read the page", "own writes missing (of 20)", "Ctrl-C"} {
		if !strings.Contains(out, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > 80 {
			t.Errorf("a line has %d characters: %s", n, line)
		}
	}
	if strings.ContainsAny(out, "\x1b\r") {
		t.Error("escape codes, and nobody has a terminal")
	}
	if t.Failed() {
		t.Log(out)
	}
	if n := len(d.visitor("ord", false).list().Entries); n != 0 {
		t.Errorf("%d entries are left from measuring", n)
	}
}

func TestDemoLeavesNothingBehind(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	d := startDemo(t, "--distances", "none")
	edge := d.visitor("gru", true).base
	if files, _ := os.ReadDir(tmp); len(files) != 1 {
		t.Errorf("%d folders while it runs; want 1", len(files))
	}
	stream, err := http.Get(d.page + "/events") // a page that is open
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	begun := time.Now()
	if err := d.stop(); err != nil {
		t.Errorf("it ended with %v", err)
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %v to end; want 2 s at most", took)
	}
	if files, _ := os.ReadDir(tmp); len(files) != 0 {
		t.Errorf("%v is left", files[0])
	}
	for _, url := range []string{d.page, edge} {
		if c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://")); err == nil {
			c.Close()
			t.Errorf("somebody still listens at %s", url)
		}
	}
}

func TestDemoOfOneRegionHasNothingToCompare(t *testing.T) {
	d := startDemo(t, "--regions", "ams")
	if n := len(d.visitor("ams", false).list().Entries); n != 0 {
		t.Errorf("%d entries are left from measuring", n)
	}
	if out := d.out.String(); strings.Contains(out, "with Homing") || !strings.Contains(out, "Amsterdam") {
		t.Errorf("the report is:\n%s", out)
	}
}

func TestDemoKeepsItsDataWhenAsked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kept")
	first := startDemo(t, "--distances", "none", "--data", dir, "--regions", "ord,gru")
	first.visitor("gru", true).mustWrite("to be kept")
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	second := startDemo(t, "--distances", "none", "--data", dir, "--regions", "ord,gru")
	if l := second.visitor("gru", true).list(); l.has("to be kept") != 1 || l.Region != "gru" {
		t.Errorf("got %d entries from %s; want the one that was kept, from gru", len(l.Entries), l.Region)
	}
}

// takePort listens, until the test ends, on a port after one that is free.
func takePort(t *testing.T) int {
	t.Helper()
	for {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { taken.Close() })
		port := taken.Addr().(*net.TCPAddr).Port
		if before, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port-1)); err == nil {
			before.Close()
			return port
		}
	}
}

func TestDemoSaysWhatIsWrong(t *testing.T) {
	port := takePort(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("ord gru far\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		want []string
	}{
		"the page's port is in use":    {[]string{"--port", fmt.Sprint(port)}, []string{"the page", fmt.Sprint(port), "in use", "--port"}},
		"an edge's port is in use":     {[]string{"--port", fmt.Sprint(port - 1)}, []string{"the edge of ord", fmt.Sprint(port), "in use", "--port"}},
		"a misspelt region":            {[]string{"--regions", "ord,gur"}, []string{`"gur"`, "did you mean gru"}},
		"a region that is a group":     {[]string{"--regions", "ord,eu"}, []string{"eu is a group"}},
		"a region twice":               {[]string{"--regions", "ord,ord"}, []string{"given twice"}},
		"no region":                    {[]string{"--regions", ""}, []string{"--regions"}},
		"a primary elsewhere":          {[]string{"--primary", "lhr"}, []string{"--primary lhr", "ord,gru,ams"}},
		"a folder that is a file":      {[]string{"--data", file}, []string{"--data", "another folder"}},
		"a folder below a file":        {[]string{"--data", file + "/x"}, []string{"--data", "another folder"}},
		"distances that are nowhere":   {[]string{"--distances", file + ".gone"}, []string{"--distances", "no such file"}},
		"distances that make no sense": {[]string{"--distances", file}, []string{"line 1", `"far"`}},
		"another database":             {[]string{"--db", "oracle"}, []string{`"oracle"`, "sqlite", "postgres"}},
		"a folder for a cluster":       {[]string{"--db", "postgres", "--data", t.TempDir()}, []string{"--data", "--db sqlite"}},
		"a cluster of ten":             {[]string{"--db", "postgres", "--regions", "ord,gru,ams,lhr,fra,syd,nrt,sin,iad,cdg"}, []string{"10 regions", "9"}},
		"a flag that is not there":     {[]string{"--regoins", "ord"}, []string{"--regoins"}},
		"a port beyond the last":       {[]string{"--port", "65534"}, []string{"--port 65534"}},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := t.TempDir()
			t.Setenv("TMPDIR", tmp)
			var out syncBuffer
			err := run(context.Background(), append([]string{"demo", "--port", "0"}, tc.args...), &out, &out)
			if err == nil {
				t.Fatal("it ran")
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if files, _ := os.ReadDir(tmp); len(files) != 0 {
				t.Errorf("%v is left", files[0])
			}
		})
	}
}
