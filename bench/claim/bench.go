package claim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/dev"
	"homing/dev/link"
	"homing/journey"
	"homing/postgres"
	"homing/region"
)

// bench is one run.
type bench struct {
	cfg     Config
	world   *dev.World
	links   []*link.Link
	pools   map[region.Code]*pgxpool.Pool // each region's, to the primary; complete before there are users
	version string                        // of the server; likewise

	mu      sync.Mutex // guards what follows
	cells   map[place]*Cell
	crossed map[place]int // by where and what, of all queries together; see crossings
	records []*journey.Record
	done    float64
}

// place is where a figure belongs.
type place struct {
	region   region.Code
	what     What
	strategy Strategy
	queries  int
}

// path is where the app is asked for it, placeOf the place that a path is of.
func (p place) path() string { return fmt.Sprintf("/%s/%s/%s", p.strategy, p.region, p.what) }

func placeOf(path string) place {
	strategy, rest, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	from, what, _ := strings.Cut(rest, "/")
	return place{region.Code(from), What(what), Strategy(strategy), 0}
}

func newBench(cfg Config) *bench {
	return &bench{cfg: cfg, pools: make(map[region.Code]*pgxpool.Pool), cells: make(map[place]*Cell), crossed: make(map[place]int)}
}

func (b *bench) countJourney(r *journey.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.records = append(b.records, r)
}

// run starts the regions, lets the users do what they do, and ends everything.
func (b *bench) run(ctx context.Context) (err error) {
	b.world, err = dev.Start(ctx, dev.Config{
		Regions: b.cfg.Regions, Primary: b.cfg.Primary, Engine: dev.Postgres, Name: "claim", Distances: b.cfg.Distances,
		App: b.newApp, Prepare: b.prepare, Record: b.countJourney, Keep: 1, Logger: b.cfg.Logger,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	if err := b.connect(ctx); err != nil {
		return err
	}
	if err := together(ctx, b.cfg.Regions, b.warmUp); err != nil {
		return err
	}
	return together(ctx, b.cfg.Regions, b.users)
}

// close ends the world last: what was begun there would keep its servers busy.
func (b *bench) close() error {
	for _, l := range b.links {
		l.Close()
	}
	for _, p := range b.pools {
		p.Close()
	}
	return b.world.Close()
}

// connect opens the connections that cross to the primary, all that users may want at
// once, and makes its statements known there: in an app that runs both has happened long
// ago.
func (b *bench) connect(ctx context.Context) error {
	home := b.world.Database(b.cfg.Primary).Opened().(*postgres.DB).Pool()
	if err := home.QueryRow(ctx, "SHOW server_version").Scan(&b.version); err != nil {
		return err
	}
	b.version, _, _ = strings.Cut(b.version, " ") // what follows is a packager's
	for _, r := range b.cfg.Regions {
		cfg, err := pgxpool.ParseConfig(home.Config().ConnString())
		if err != nil {
			return err
		}
		l := link.New(b.cfg.Distances(r, b.cfg.Primary) / 2)
		b.links = append(b.links, l)
		cfg.ConnConfig.DialFunc, cfg.ConnConfig.Tracer = l.Dial, crossings{b}
		cfg.MaxConns = int32(b.cfg.Users)
		cfg.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
		cfg.AfterConnect = know
		if b.pools[r], err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
			return err
		}
	}
	return together(ctx, b.cfg.Regions, func(ctx context.Context, r region.Code) error { return open(ctx, b.pools[r]) })
}

func know(ctx context.Context, conn *pgx.Conn) error {
	for _, sql := range []string{get, set} {
		if _, err := conn.Prepare(ctx, sql, sql); err != nil {
			return err
		}
	}
	return nil
}

// open opens all connections of a pool.
func open(ctx context.Context, pool *pgxpool.Pool) error {
	all := make([]int, pool.Config().MaxConns)
	var acquired sync.WaitGroup
	acquired.Add(len(all))
	return together(ctx, all, func(ctx context.Context, _ int) error {
		conn, err := pool.Acquire(ctx)
		acquired.Done()
		if err != nil {
			return err
		}
		acquired.Wait() // nobody is given one that another has opened
		conn.Release()
		return nil
	})
}

// together does something with each at the same time. The first that fails ends the
// others, and is what is returned.
func together[T any](ctx context.Context, with []T, do func(context.Context, T) error) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var all sync.WaitGroup
	for _, one := range with {
		all.Go(func() {
			if err := do(ctx, one); err != nil {
				end(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}
