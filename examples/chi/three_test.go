package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"testing"

	"homing/examples/links"
	"homing/fleet"
	"homing/machine"
	"homing/postgres/pgtest"
	"homing/region"
)

// TestFromOneRegionToThree runs the app as it was, and then the one of this folder in
// three regions on the same data, each as a program of its own that is told by its
// environment alone where it is.
func TestFromOneRegionToThree(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Config{Replicas: 2})
	if err := cluster.Primary().Exec(t.Context(), links.Schema, "GRANT ALL ON links TO app"); err != nil {
		t.Fatal(err)
	}

	one := start(t, buildOneRegion(t), "DATABASE_URL="+cluster.Primary().URL())
	var before link
	post(t, one.addr, "before", &before)
	one.stop(t)

	if err := cluster.WaitCaughtUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	app, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	servers := map[region.Code]*pgtest.Server{
		"ord": cluster.Primary(), "gru": cluster.Replicas()[0], "ams": cluster.Replicas()[1],
	}
	var machines []fleet.Machine
	for code, server := range servers {
		p := start(t, app, beTheApp+"=1", "FLY_REGION="+string(code), "PRIMARY_REGION=ord", "HOMING_EDGE=1",
			"DATABASE_URL="+cluster.Primary().URL(), "DATABASE_REPLICA_URL="+server.URL())
		machines = append(machines, fleet.Machine{ID: machine.ID("m-" + code), App: "links", Region: code, Addr: p.addr, Healthy: true})
	}
	edges, records := startEdges(t, machines)
	for code := range servers {
		if got := show(t, edges[code], before.ID, ""); got != before {
			t.Errorf("in %s what was written before is %+v, want %+v", code, got, before)
		}
		if r := <-records; len(r.Hops) != 1 || r.Hops[0].Region != code {
			t.Errorf("in %s that was not read next door: %+v", code, r)
		}
		var l link
		token := post(t, edges[code], "from-"+string(code), &l)
		if r := <-records; r.Hops[len(r.Hops)-1].Region != "ord" {
			t.Errorf("what was written in %s did not go home: %+v", code, r)
		}
		if got := show(t, edges[code], l.ID, token); got != l {
			t.Errorf("in %s its author sees %+v, want %+v", code, got, l)
		}
		<-records
		if got := ask(t, edges[code], "/go/from-"+string(code), token); got.StatusCode != http.StatusFound {
			t.Errorf("in %s a visit is answered with %s", code, got.Status)
		}
		<-records
	}
	var all []link
	read(t, ask(t, edges["ord"], "/links", ""), &all)
	if len(all) != 4 || all[1].Visits+all[2].Visits+all[3].Visits != 3 {
		t.Errorf("in the end there are %+v", all)
	}
}

func buildOneRegion(t *testing.T) string {
	t.Helper()
	app := filepath.Join(t.TempDir(), "oneregion")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-race="+raced(), "-o", app, "./oneregion").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return app
}

// raced says whether this test was built with the race detector: what else is built
// the same way has been compiled already.
func raced() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-race" {
				return s.Value
			}
		}
	}
	return "false"
}

// post creates a link, and returns what its author sends along with further requests.
func post(t *testing.T, addr, name string, l *link) (token string) {
	t.Helper()
	resp, err := http.PostForm("http://"+addr+"/links", url.Values{"name": {name}, "url": {"http://" + name + ".test/"}})
	if err != nil {
		t.Fatal(err)
	}
	read(t, resp, l)
	if resp.StatusCode != http.StatusCreated || l.Name != name {
		t.Fatalf("creating %s: %s, %+v", name, resp.Status, l)
	}
	return resp.Header.Get("Homing-Position")
}

func show(t *testing.T, addr string, id int64, token string) (l link) {
	t.Helper()
	read(t, ask(t, addr, fmt.Sprintf("/links/%d", id), token), &l)
	return l
}

// ask follows no redirects.
func ask(t *testing.T, addr, path, token string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Homing-Position", token)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func read(t *testing.T, resp *http.Response, v any) {
	t.Helper()
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Errorf("%s: %v", resp.Status, err)
	}
}
