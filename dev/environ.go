package dev

import (
	"net/netip"
	"time"

	"homing/machine"
	"homing/region"
)

// Machine is what an app is told of the machine that it runs on.
type Machine struct {
	ID     machine.ID
	Region region.Code
	Group  string // its process group
	Number int    // of the region's machines, from 1; 0: it takes no requests
	Port   uint16 // where its app must listen; 0: nowhere
	// Environ is what it is told of all this as "NAME=value": FLY_…, PRIMARY_REGION,
	// PORT, HOMING_…, and where its databases are if the world keeps them.
	Environ []string
}

// locator is databases that programs other than this one can open.
type locator interface {
	// locate returns the variables that tell a region's app where its databases are.
	locate(r region.Code) []string
}

// machine describes a machine of the region, with the primary where it is now.
func (s *site) machine(id machine.ID, number int, group string, port uint16) Machine {
	w, home := s.world, s.world.databases.home()
	environ := machine.Env{
		App: w.cfg.Name, ID: id, Region: s.region, PrimaryRegion: home, ProcessGroup: group,
		PrivateIP: netip.MustParseAddr("127.0.0.1"), Port: port, Edge: true,
	}.Environ()
	environ = append(environ, "HOMING_SECRET="+w.secret)
	if way := w.wayHome(s.region, home); way > 0 {
		environ = append(environ, "HOMING_WAIT="+min(way, time.Second).String())
	}
	if db, ok := w.databases.(locator); ok {
		environ = append(environ, db.locate(s.region)...)
	}
	return Machine{ID: id, Region: s.region, Group: group, Number: number, Port: port, Environ: environ}
}
