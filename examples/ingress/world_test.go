package ingress_test

import (
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing/examples/links"
	"homing/position"
	"homing/postgres/pgtest"
)

const (
	secret = "nobody-outside-knows-this"
	// wait is HOMING_WAIT: long beside a look at a database, short beside a hold.
	wait = 100 * time.Millisecond
)

// world is a database in three regions, and what runs there.
type world struct {
	*testing.T
	front   front
	app     string // the program
	cluster *pgtest.Cluster
	servers map[string]*pgtest.Server
	pools   map[string]*pgxpool.Pool // the test's own
	keys    position.Keys
	places  map[string]*place
}

// place is a region: an app beside its database, and the ingress in front of it.
type place struct {
	until     *testing.T // ends with it
	region    string
	addr, web string // where the app and the ingress listen
	tmp       string // the app's folder for files of a moment
	env       []string
	app       *process
	ingress   *process
}

// newWorld starts databases, without anything in front of them.
func newWorld(t *testing.T) *world {
	keys, err := position.ParseKeys(secret)
	must(t, err)
	c := pgtest.Start(t, pgtest.Config{Replicas: 2})
	w := &world{T: t, cluster: c, keys: keys, app: build(t), pools: map[string]*pgxpool.Pool{}}
	w.servers = map[string]*pgtest.Server{"ord": c.Primary(), "gru": c.Replicas()[0], "ams": c.Replicas()[1]}
	must(t, c.Primary().Exec(t.Context(), links.Schema, "GRANT ALL ON links TO app"))
	must(t, c.WaitCaughtUp(t.Context()))
	for region, s := range w.servers {
		w.pools[region], err = pgxpool.New(t.Context(), s.URL())
		must(t, err)
		t.Cleanup(w.pools[region].Close)
	}
	return w
}

// build builds the app as its users would.
func build(t *testing.T) string {
	t.Helper()
	app := filepath.Join(t.TempDir(), "chi")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", app, "../chi").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return app
}

// behind starts an app in each region, behind an ingress of one kind.
func (w *world) behind(t *testing.T, f front) *world {
	t.Helper()
	in := *w
	in.T, in.front, in.places = t, f, map[string]*place{}
	must(t, w.cluster.Primary().Exec(t.Context(), "TRUNCATE links"))
	for region := range w.servers {
		in.places[region] = in.plan(region)
	}
	for _, p := range in.places {
		in.start(p, in.places["ord"])
	}
	return &in
}

// as is the world for a test within its own.
func (w *world) as(t *testing.T) *world {
	in := *w
	in.T = t
	return &in
}

// plan chooses where a region's app and ingress will listen.
func (w *world) plan(region string) *place {
	return &place{until: w.T, region: region, addr: freeAddr(), web: freeAddr()}
}

// start starts a region whose way home leads to another's ingress.
func (w *world) start(p, home *place) {
	w.Helper()
	_, port, _ := strings.Cut(p.addr, ":")
	p.tmp = p.until.TempDir()
	p.env = []string{
		"PORT=" + port, "TMPDIR=" + p.tmp,
		"HOMING_REGION=" + p.region, "HOMING_PRIMARY_REGION=ord", "HOMING_WAIT=" + wait.String(),
		"HOMING_REPLAY=forward", "HOMING_PRIMARY_URL=http://" + home.web, "HOMING_SECRET=" + secret,
		"DATABASE_URL=" + w.servers["ord"].URL(), "DATABASE_REPLICA_URL=" + w.servers[p.region].URL(),
	}
	w.startApp(p)
	w.startIngress(p, http.StatusOK)
}

func (w *world) startApp(p *place) {
	w.Helper()
	cmd := exec.Command(w.app)
	cmd.Env = p.env
	p.app = launch(p.until, cmd)
	p.app.answers(w.T, "http://"+p.addr+"/healthz", http.StatusOK)
}

// startIngress starts a region's ingress, which answers 503 where the app does not.
func (w *world) startIngress(p *place, status int) {
	w.Helper()
	p.ingress = launch(p.until, w.front.command(p.until, p))
	p.ingress.answers(w.T, "http://"+p.web+"/healthz", status)
}

// count asks the primary for a number.
func (w *world) count(query string, args ...any) (n int) {
	w.Helper()
	must(w.T, w.pools["ord"].QueryRow(w.Context(), query, args...).Scan(&n))
	return n
}

// arrived reports whether a region's database has got to a position.
func (w *world) arrived(region string, p position.Position) (yes bool) {
	w.Helper()
	const query = "SELECT CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() >= $1::text::pg_lsn ELSE true END"
	if err := w.pools[region].QueryRow(w.Context(), query, string(p)).Scan(&yes); err != nil {
		w.Error(err)
	}
	return yes
}

// hold holds back what a region's database shows, until release or the test's end.
func (w *world) hold(region string) (release func()) {
	w.Helper()
	s := w.servers[region]
	must(w.T, s.HoldReplay(w.Context()))
	w.Cleanup(func() { s.ResumeReplay(w.Context()) }) //nolint:errcheck // it may be released
	return func() { must(w.T, s.ResumeReplay(w.Context())) }
}

// peak is the most memory that a process has had, in bytes.
func (w *world) peak(p *process) int64 {
	w.Helper()
	status := read(w.T, "/proc/"+strconv.Itoa(p.cmd.Process.Pid)+"/status")
	_, rest, _ := strings.Cut(status, "VmHWM:")
	var kb int64
	if fields := strings.Fields(rest); len(fields) > 0 {
		kb, _ = strconv.ParseInt(fields[0], 10, 64)
	}
	if kb == 0 {
		w.Fatalf("the kernel does not tell of memory:\n%s", status)
	}
	return kb << 10
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
