package dev

import (
	"context"
	"net"
	"net/url"

	"homing/postgres/pgtest"
	"homing/region"
)

// doors are how a region's apps in other processes get to the databases: to the
// primary, by the distance to wherever it is, and to the server beside them.
type doors struct{ primary, replica *door }

func (d doors) close() {
	d.primary.close()
	d.replica.close()
}

// openDoors opens those of all regions.
func (c *cluster) openDoors() error {
	c.doors = make(map[region.Code]doors)
	for n, r := range c.world.cfg.Regions {
		pair, err := listenPair(n)
		if err != nil {
			return err
		}
		c.doors[r] = doors{
			newDoor(pair[0], func(ctx context.Context) (net.Conn, error) {
				return c.world.way(r, c.home()).Dial(ctx, "tcp", serverAddr(c.pg.Primary()))
			}),
			newDoor(pair[1], func(ctx context.Context) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "tcp", serverAddr(c.servers[r]))
			}),
		}
	}
	return nil
}

func (c *cluster) closeDoors() {
	for _, d := range c.doors {
		d.close()
	}
}

// serverAddr is where a server listens.
func serverAddr(s *pgtest.Server) string {
	u, _ := url.Parse(s.URL()) // it was made by package url
	return u.Host
}

// locate tells of a region's doors, by the names that apps on Fly have for them.
func (c *cluster) locate(r region.Code) []string {
	by := func(d *door) string {
		u, _ := url.Parse(c.servers[r].URL())
		u.Host = d.listener.Addr().String()
		return u.String()
	}
	d, ok := c.doors[r]
	if !ok {
		return nil
	}
	return []string{"DATABASE_URL=" + by(d.primary), "DATABASE_REPLICA_URL=" + by(d.replica)}
}
