package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"homing/machine"
)

// TestCopyOfAnySizeTakesNoMemory: the client is another process, so all that is
// allocated here is the relay's.
func TestCopyOfAnySizeTakesNoMemory(t *testing.T) { // alone, since others allocate
	c := needShared(t)
	db := c.NewDatabase(t)
	address := db.DirectURL(c.Primary())
	r := start(t, address, Config{})
	through := r.url(t, address)
	if _, err := psql(t.Context(), through, nil, "create table big (line text)"); err != nil {
		t.Fatal(err)
	}
	r.take()
	const rows, width, most = 60, 1 << 20, 8 << 20

	before := allocated()
	if out, err := psql(t.Context(), through, &lines{left: rows, width: width}, "copy big from stdin"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r.wantMarks(t, "wrote")
	if grown := allocated() - before; grown > most {
		t.Errorf("copying %d MiB in allocated %d bytes", rows*width>>20, grown)
	}

	before = allocated()
	cmd := exec.CommandContext(t.Context(), "psql", "-XqAt", "-d", through, "-c", "copy (select b.line from big b, generate_series(1, 2)) to stdout")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(discard{}, out)
	if err := errors.Join(err, cmd.Wait()); err != nil || n != 2*rows*(width+1) {
		t.Errorf("copied %d bytes out, %v", n, err)
	}
	if grown := allocated() - before; grown > most {
		t.Errorf("copying %d MiB out allocated %d bytes", n>>20, grown)
	}
	r.wantMarks(t, "")
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// lines reads as lines of equal width.
type lines struct{ left, width, at int }

func (l *lines) Read(p []byte) (int, error) {
	if l.left == 0 {
		return 0, io.EOF
	}
	n := min(len(p), l.width+1-l.at)
	for i := range p[:n] {
		p[i] = 'x'
	}
	if l.at += n; l.at > l.width {
		p[n-1] = '\n'
		l.at, l.left = 0, l.left-1
	}
	return n, nil
}

func TestAStatementIsCancelled(t *testing.T) {
	t.Parallel()
	s := needShared(t).Replicas()[0]
	for name, of := range map[string]string{"directly": s.DirectURL(), "through PgBouncer": s.URL()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, of, Config{Role: always(machine.Replica)})
			conn, other := connect(t, r.url(t, of)), connect(t, r.url(t, of))
			done := make(chan error, 1)
			sleep := "select pg_sleep(60), '" + name + "'"
			go func() {
				_, err := conn.Exec(t.Context(), sleep)
				done <- err
			}()
			eventually(t, "the statement runs", func() (yes bool) {
				err := other.QueryRow(t.Context(), "select exists (select from pg_stat_activity where query = $1 and state = 'active')", sleep).Scan(&yes)
				return err == nil && yes
			})
			if err := conn.PgConn().CancelRequest(t.Context()); err != nil {
				t.Fatal(err)
			}
			var pg *pgconn.PgError
			if err := <-done; !errors.As(err, &pg) || pg.Code != "57014" {
				t.Errorf("got %v, want a cancelled statement", err)
			}
			r.wantMarks(t, "")
		})
	}
}

func TestNotificationsArrive(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	r := start(t, s.DirectURL(), Config{})
	listener, sender := connect(t, r.url(t, s.DirectURL())), connect(t, r.url(t, s.DirectURL()))
	if _, err := listener.Exec(t.Context(), "listen news"); err != nil {
		t.Fatal(err)
	}
	if _, err := sender.Exec(t.Context(), "select pg_notify('news', 'rain')"); err != nil {
		t.Fatal(err)
	}
	if n, err := listener.WaitForNotification(t.Context()); err != nil || n.Payload != "rain" {
		t.Errorf("got %v, %v", n, err)
	}
}

// TestAPipelineIsTold statement by statement.
func TestAPipelineIsTold(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	r := start(t, s.DirectURL(), Config{})
	conn := connect(t, r.url(t, s.DirectURL()))
	p := conn.PgConn().StartPipeline(t.Context())
	const each = 200 // more than are told apart
	for range each {
		p.SendQueryParams("select 1", nil, nil, nil, nil)
		p.SendPipelineSync()
		p.SendQueryParams(insert, nil, nil, nil, nil)
		p.SendPipelineSync()
	}
	if err := p.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	events := r.wantMarks(t, "wrote")
	if len(events) != each {
		t.Errorf("%d events, want %d", len(events), each)
	}
	for i := range events[1:] {
		if events[i+1].Began.Before(events[i].Began) {
			t.Errorf("event %d began before the one before it", i+1)
		}
	}
}

// TestACopyInAPipelineOfExtendedMessages leaves nothing behind: the server overlooks
// one of its two Syncs.
func TestACopyInAPipelineOfExtendedMessages(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	r := start(t, s.DirectURL(), Config{})
	conn := connect(t, r.url(t, s.DirectURL()))
	front := conn.PgConn().Frontend()
	for _, m := range []pgproto3.FrontendMessage{
		&pgproto3.Parse{Query: "copy notes (text) from stdin"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{},
		&pgproto3.CopyData{Data: []byte("a\n")}, &pgproto3.CopyDone{}, &pgproto3.Sync{},
	} {
		front.Send(m)
	}
	if err := front.Flush(); err != nil {
		t.Fatal(err)
	}
	for ready := false; !ready; {
		m, err := front.Receive()
		if err != nil {
			t.Fatal(err)
		}
		_, ready = m.(*pgproto3.ReadyForQuery)
	}
	copied := r.wantMarks(t, "wrote")
	if err := run(insert, pgx.QueryExecModeSimpleProtocol)(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	if next := r.wantMarks(t, "wrote"); len(next) == 1 && next[0].Began.Before(copied[0].Ended) {
		t.Errorf("what came after a COPY began before its end: %+v, %+v", copied[0], next[0])
	}
}

// TestReplicationPasses, unseen.
func TestReplicationPasses(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	r := start(t, s.AdminURL(), Config{})
	out, err := exec.CommandContext(t.Context(), "psql", "-XqAt", "-d", r.url(t, s.AdminURL())+"&replication=database", "-c", "IDENTIFY_SYSTEM").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "app") {
		t.Errorf("%s, %v", out, err)
	}
	r.wantMarks(t, "")
}

// TestManyConnectionsAtOnce: events of each are told by the time its answer is there.
func TestManyConnectionsAtOnce(t *testing.T) {
	t.Parallel()
	s := needShared(t).Replicas()[0]
	r := start(t, s.DirectURL(), Config{})
	address := r.url(t, s.DirectURL())
	errs := make(chan error)
	const many = 10
	for n := range many {
		go func() {
			errs <- func() error {
				conn, err := pgx.Connect(t.Context(), address)
				if err != nil {
					return err
				}
				defer conn.Close(context.Background())
				for range 20 {
					if err := run(insert)(t.Context(), conn); !isRefusal(err) {
						return fmt.Errorf("connection %d: %w", n, err)
					}
				}
				return nil
			}()
		}()
	}
	for range many {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := len(r.take()); got != many*20 {
		t.Errorf("%d refusals, want %d", got, many*20)
	}
}
