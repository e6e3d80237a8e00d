package dev

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing"
	"homing/machine"
	"homing/postgres"
	"homing/postgres/pgtest"
	"homing/region"
)

// cluster is a PostgreSQL cluster with a server in each region.
type cluster struct {
	world   *World
	pg      *pgtest.Cluster
	servers map[region.Code]*pgtest.Server // complete once made
	survey  *survey
	doors   map[region.Code]doors // none where all apps are in this process

	change   sync.Mutex           // held by what starts, stops and promotes servers
	outdated map[region.Code]bool // stopped ones that must be made anew; guarded by change

	mu      sync.Mutex
	holding map[region.Code]bool
	apart   map[region.Code]bool // cut off from the primary
}

// mostServers is how many pgtest runs: a primary and eight replicas.
const mostServers = 9

func newCluster(ctx context.Context, w *World) (*cluster, error) {
	pg, err := pgtest.New(ctx, pgtest.Config{Replicas: len(w.cfg.Regions) - 1})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoCluster, err)
	}
	c := &cluster{
		world: w, pg: pg, servers: map[region.Code]*pgtest.Server{w.cfg.Primary: pg.Primary()},
		outdated: make(map[region.Code]bool), holding: make(map[region.Code]bool), apart: make(map[region.Code]bool),
	}
	replicas := pg.Replicas()
	for _, r := range w.cfg.Regions {
		if r != w.cfg.Primary {
			c.servers[r], replicas = replicas[0], replicas[1:]
		}
	}
	c.putApart()
	c.survey = newSurvey(pg)
	if w.cfg.App == nil {
		if err := c.openDoors(); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// putApart puts the distance from the primary on what comes to each replica. What a
// replica says back costs no time; only a commit that waits for replicas would notice.
func (c *cluster) putApart() {
	home := c.home()
	for r, s := range c.servers {
		s.DelayStream(c.world.cfg.Distances(home, r) / 2)
	}
}

func (c *cluster) home() region.Code {
	primary := c.pg.Primary()
	for r, s := range c.servers {
		if s == primary {
			return r
		}
	}
	return "" // cannot be: servers has all
}

// roleTimeout bounds how long a server that takes connections may take to be known.
const roleTimeout = 10 * time.Second

func (c *cluster) open(ctx context.Context, r region.Code) (Database, error) {
	s := c.servers[r]
	if err := c.start(ctx, r); err != nil {
		return nil, err
	}
	pool, err := pgxpool.ParseConfig(s.URL())
	if err != nil {
		return nil, err
	}
	db, err := postgres.Open(ctx, &postgres.Config{Pool: pool, Logger: c.world.cfg.Logger.With("region", r)})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, roleTimeout)
	defer cancel()
	if err := until(ctx, func() bool { return db.State().Role != machine.None }); err != nil {
		db.Close()
		return nil, fmt.Errorf("the database in %s does not say what it is: %w", r, err)
	}
	return &openServer{DB: db, cluster: c, region: r}, nil
}

// start starts a region's server, unless it runs.
func (c *cluster) start(ctx context.Context, r region.Code) error {
	c.change.Lock()
	defer c.change.Unlock()
	s := c.servers[r]
	switch {
	case s.Running():
		return nil
	case c.outdated[r]:
		if err := s.Rebuild(ctx, c.pg.Primary()); err != nil {
			return err
		}
		delete(c.outdated, r)
		return nil
	default:
		return s.Start(ctx)
	}
}

func (c *cluster) hold(r region.Code, on bool) error {
	if r == c.home() {
		return errAtHome(r)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holding[r] = on
	c.gate(r)
	return nil
}

func (c *cluster) reach(r region.Code, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.apart[r] = !ok
	c.gate(r)
}

// gate opens or shuts a replica's stream; mu is held.
func (c *cluster) gate(r region.Code) {
	if c.holding[r] || c.apart[r] {
		c.servers[r].HoldStream()
	} else {
		c.servers[r].ReleaseStream()
	}
}

func (c *cluster) held(r region.Code) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.holding[r]
}

func (c *cluster) catchUp(ctx context.Context) error {
	regions := c.world.receiving()
	if err := waitFor(ctx, c.home(), c.world.Database, regions); err != nil {
		return err
	}
	var servers []*pgtest.Server
	for _, r := range regions {
		servers = append(servers, c.servers[r])
	}
	return c.survey.reached(ctx, servers)
}

func (c *cluster) close() error {
	c.closeDoors()
	c.survey.close()
	return c.pg.Close()
}

// openServer is a server that an app uses.
type openServer struct {
	*postgres.DB
	cluster *cluster
	region  region.Code
}

// stopTimeout bounds how long a server may take to end.
const stopTimeout = 10 * time.Second

// Close stops the server, too, as a machine that dies does.
func (o *openServer) Close() error {
	err := o.DB.Close()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	o.cluster.change.Lock()
	defer o.cluster.change.Unlock()
	if stopped := o.cluster.servers[o.region].Stop(ctx, pgtest.Immediate); stopped != nil {
		return stopped
	}
	return err
}

func (o *openServer) Opened() homing.Database { return o.DB }

func (o *openServer) Look() Look {
	l := Look{State: o.State(), Waiting: o.Waiting()}
	seen := o.cluster.survey.of(o.cluster.servers[o.region])
	l.Position, l.Lag, l.Bytes = seen.position(), seen.lag, seen.missing()
	home := o.region == o.cluster.home()
	if home {
		l.Lag, l.Bytes = 0, 0
	}
	l.Behind = l.Bytes > 0
	if l.State.Role == machine.None {
		l.Problem = fmt.Errorf("the database in %s cannot be reached", o.region.City())
	}
	return l
}

// until waits until yes says so, or ctx ends.
func until(ctx context.Context, yes func() bool) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
