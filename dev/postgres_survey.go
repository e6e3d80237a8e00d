package dev

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"homing/position"
	"homing/postgres/pgtest"
)

// survey is what a cluster's primary knows of its replicas: how far each is, and how
// long a change lately took until it could be read there, as PostgreSQL itself
// measures it. Safe for concurrent use.
type survey struct {
	pg   *pgtest.Cluster
	end  context.CancelFunc
	done chan struct{} // closed when nobody looks by itself any more

	asking sync.Mutex // held while conn is used
	conn   *pgx.Conn  // nil: none yet
	to     string     // where it leads

	mu   sync.Mutex
	at   map[string]standing // by the server's name
	home uint64              // the primary's place in its log
}

// standing is a server's place in the log, given where the primary is.
type standing struct {
	at, home uint64
	lag      time.Duration
}

func (s standing) position() position.Position {
	if s.at == 0 {
		return ""
	}
	return position.Position(fmt.Sprintf("%X/%X", s.at>>32, uint32(s.at)))
}

func (s standing) missing() int64 { return max(0, int64(s.home-s.at)) }

func newSurvey(pg *pgtest.Cluster) *survey {
	ctx, end := context.WithCancel(context.Background())
	s := &survey{pg: pg, end: end, done: make(chan struct{}), at: make(map[string]standing)}
	go s.run(ctx)
	return s
}

func (s *survey) run(ctx context.Context) {
	defer close(s.done)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		_ = s.ask(ctx) // without a primary there is nothing new
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (s *survey) close() {
	s.end()
	<-s.done
	s.asking.Lock()
	defer s.asking.Unlock()
	s.drop()
}

// of returns what is known of a server.
func (s *survey) of(server *pgtest.Server) standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.at[server.Name()]
	seen.home = s.home
	if server == s.pg.Primary() {
		seen.at = s.home
	}
	return seen
}

// reached waits until those that run have everything that the primary has now, and
// have said so to it.
func (s *survey) reached(ctx context.Context, servers []*pgtest.Server) error {
	if err := s.ask(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	want := s.home
	s.mu.Unlock()
	for _, server := range servers {
		for server.Running() && s.of(server).at < want {
			if err := s.ask(ctx); err != nil {
				return fmt.Errorf("%s does not say that it has caught up: %w", server.Name(), err)
			}
		}
	}
	return nil
}

// surveySQL: a replica answers as soon as it has shown all that it has, so replay_lag
// is from the flush of a change to that; it is null when nothing has happened lately.
const surveySQL = `select pg_wal_lsn_diff(pg_current_wal_flush_lsn(), '0/0')::bigint, coalesce(application_name, ''),
	coalesce(pg_wal_lsn_diff(replay_lsn, '0/0'), 0)::bigint, extract(epoch from replay_lag)::float8
	from (select) one left join pg_stat_replication on state = 'streaming'`

const surveyTimeout = 3 * time.Second

// ask asks the primary.
func (s *survey) ask(ctx context.Context) error {
	s.asking.Lock()
	defer s.asking.Unlock()
	ctx, cancel := context.WithTimeout(ctx, surveyTimeout)
	defer cancel()
	if err := s.connect(ctx); err != nil {
		return err
	}
	rows, err := s.conn.Query(ctx, surveySQL, pgx.QueryExecModeSimpleProtocol)
	if err == nil {
		err = s.read(rows)
	}
	if err != nil {
		s.drop()
	}
	return err
}

func (s *survey) connect(ctx context.Context) error {
	to := s.pg.Primary().AdminURL()
	if s.conn != nil && s.to == to {
		return nil
	}
	s.drop()
	conn, err := pgx.Connect(ctx, to)
	if err != nil {
		return err
	}
	s.conn, s.to = conn, to
	return nil
}

// drop ends the connection; the server may have gone already.
func (s *survey) drop() {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = s.conn.Close(ctx)
	s.conn = nil
}

func (s *survey) read(rows pgx.Rows) error {
	var home, at int64
	var name string
	var lag *float64
	_, err := pgx.ForEachRow(rows, []any{&home, &name, &at, &lag}, func() error {
		s.note(uint64(home), name, uint64(at), lag)
		return nil
	})
	return err
}

func (s *survey) note(home uint64, name string, at uint64, lag *float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.home = home
	seen := s.at[name]
	seen.at = at
	if lag != nil {
		seen.lag = time.Duration(*lag * float64(time.Second))
	}
	s.at[name] = seen
}
