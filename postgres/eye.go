package postgres

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/machine"
	"homing/position"
)

// lookTimeout bounds one look, connecting included.
const lookTimeout = 3 * time.Second

// eye is our own look at a server, by connections that are not of the app's pool.
type eye struct {
	pool  *pgxpool.Config
	heart *heartbeat // nil: the server tells its position itself, or nobody does
	life  context.Context
	end   context.CancelFunc

	place sync.Mutex // held while conn is used
	conn  *pgx.Conn  // for newest; nil: none yet

	mu   sync.Mutex
	next *inquiry // not asked yet; nil: nobody wants one
}

// inquiry is one question, shared by all who wanted it before it left.
type inquiry struct {
	done chan struct{}
	at   position.Position
	err  error
}

func newEye(pool *pgxpool.Config, heart *heartbeat) *eye {
	e := &eye{pool: pool.Copy(), heart: heart}
	e.life, e.end = context.WithCancel(context.Background())
	return e
}

func (e *eye) connect(ctx context.Context) (*pgx.Conn, error) {
	return connect(ctx, e.pool)
}

// connect opens a connection of our own, which leaves no marks, as the pool would.
func connect(ctx context.Context, pool *pgxpool.Config) (*pgx.Conn, error) {
	cfg := pool.ConnConfig.Copy()
	cfg.Tracer = nil
	if pool.BeforeConnect != nil { // it may have the password
		if err := pool.BeforeConnect(ctx, cfg); err != nil {
			return nil, err
		}
	}
	return pgx.ConnectConfig(ctx, cfg)
}

// newest returns a place that covers every commit that ended before the call. Calls
// that come while a inquiry is under way share the next one.
func (e *eye) newest(ctx context.Context) (position.Position, error) {
	e.mu.Lock()
	a := e.next
	if a == nil {
		a = &inquiry{done: make(chan struct{})}
		e.next = a
		go e.ask(a)
	}
	e.mu.Unlock()
	select {
	case <-a.done:
		return a.at, a.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case <-e.life.Done():
		return "", ErrClosed
	}
}

// ask asks one inquiry for all who want its answer by the time it leaves.
func (e *eye) ask(a *inquiry) {
	defer close(a.done)
	e.place.Lock()
	defer e.place.Unlock()
	e.mu.Lock()
	e.next = nil // who comes now has to know of commits that we may miss
	e.mu.Unlock()
	ctx, cancel := context.WithTimeout(e.life, lookTimeout)
	defer cancel()
	for range 2 { // a connection that was closed while idle shows only when it is used
		if a.at, a.err = e.askNow(ctx); a.err == nil || ctx.Err() != nil {
			break
		}
	}
}

// inRecovery asks whether the server is a replica.
func (e *eye) inRecovery(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	conn, err := e.connect(ctx)
	if err != nil {
		return false, err
	}
	defer drop(conn)
	var replica bool
	err = conn.QueryRow(ctx, "select pg_is_in_recovery()", pgx.QueryExecModeSimpleProtocol).Scan(&replica)
	return replica, err
}

// look takes a whole look.
func (e *eye) look(ctx context.Context, conn *pgx.Conn) (look, error) {
	l, err := lookAt(ctx, conn)
	if err == nil && e.heart != nil {
		err = e.heart.feel(ctx, conn, &l)
	}
	return l, err
}

// glance asks only for what a wait needs.
func (e *eye) glance(ctx context.Context, conn *pgx.Conn) (machine.Role, position.Position, error) {
	if e.heart != nil {
		return e.heart.glance(ctx, conn)
	}
	role, at, err := glance(ctx, conn)
	return role, at.position(), err
}

// askNow reads the primary's position, or makes one by a beat.
func (e *eye) askNow(ctx context.Context) (position.Position, error) {
	if e.conn == nil || e.conn.IsClosed() {
		var err error
		if e.conn, err = e.connect(ctx); err != nil {
			e.conn = nil
			return "", err
		}
	}
	at, err := e.placeNow(ctx, e.conn)
	if err != nil {
		drop(e.conn)
		e.conn = nil
	}
	return at, err
}

func (e *eye) placeNow(ctx context.Context, conn *pgx.Conn) (position.Position, error) {
	if e.heart != nil {
		return e.heart.beat(ctx, conn)
	}
	_, at, err := glance(ctx, conn)
	if err == nil && at == 0 {
		err = errors.New("postgres: the server has no position yet")
	}
	return at.position(), err
}

// close ends all that is under way.
func (e *eye) close() {
	e.end()
	e.place.Lock()
	defer e.place.Unlock()
	if e.conn != nil {
		drop(e.conn)
		e.conn = nil
	}
}

// drop closes a connection without waiting for the server.
func drop(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_ = conn.Close(ctx) // it may be broken, which is as good
}
