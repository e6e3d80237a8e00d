package flytoml

import (
	"slices"
	"time"

	"homing/fleet"
	"homing/machine"
	"homing/region"
)

// File is what a fly.toml says, with Fly's defaults filled in. It shares nothing
// with what it was read from.
type File struct {
	App           machine.App // empty: the file does not say
	PrimaryRegion region.Code // empty: the file does not say
	// Env are the variables of every machine. Who starts one sets what depends on the
	// machine (FLY_…, PRIMARY_REGION) after them.
	Env map[string]string
	// Processes are the groups of machines, in the order of the file; at least one.
	Processes []Process
	Start     Start
	Services  []Service // that of [http_service] first
	Checks    []Check   // those of no service, which do not decide about requests
	Deploy    Deploy
	Build     Build
	Mounts    []Mount
	// KillSignal ends a machine, such as "SIGTERM", and KillTimeout is what it gets to
	// end in; by default SIGINT and 5 s.
	KillSignal  string
	KillTimeout time.Duration
}

// Process is a group of machines, and what runs in them.
type Process struct {
	Group   string  // by default "app"
	Command Command // the zero value: what the image runs
}

// Start replaces what an image runs: its CMD, its ENTRYPOINT, or all of both
// (Exec), as in [experimental]. What is nil stays as it is. A group's command
// counts before Command.
type Start struct {
	Command, Entrypoint, Exec []string
}

// Deploy is what happens when the app is released.
type Deploy struct {
	// Release runs before new machines do, such as a migration; the zero value:
	// nothing. It has ReleaseTimeout to end, by default 5 minutes.
	Release        Command
	ReleaseTimeout time.Duration
}

// Build is what the app's image is made from.
type Build struct {
	Dockerfile string // a path or URL; empty: the one beside the file, if any
}

// Mount is a folder that outlives a machine.
type Mount struct {
	Source, Destination string // the volume's name, and the folder
	Groups              []string
}

// Service is a port of the app's machines that others reach.
type Service struct {
	Groups       []string // the groups of machines that listen
	InternalPort int      // where they listen; by default 8080
	Protocol     string   // "tcp" or "udp"
	Ports        []Port   // where others reach it; none: nowhere
	Limits       fleet.Limits
	// Options are those of the port that speaks HTTP over TLS, else of the first that
	// speaks HTTP; but ForceHTTPS is set where any port asks for it.
	Options fleet.Options
	Checks  []Check
}

// Port is one public port, or a range of them.
type Port struct {
	First, Last int
	// Handlers are what Fly's proxy does with a connection, such as "tls" and "http".
	Handlers []string
}

// HTTP reports whether requests come in by p, with or without TLS.
func (p Port) HTTP() bool { return slices.Contains(p.Handlers, "http") }

// HTTPService returns the first service that takes requests, by its ports.
func (f *File) HTTPService() (Service, bool) {
	for _, s := range f.Services {
		if slices.ContainsFunc(s.Ports, Port.HTTP) {
			return s, true
		}
	}
	return Service{}, false
}

// Check is how a machine is asked whether it is well. Times that the file does
// not give are 0.
type Check struct {
	Name                     string   // of one without a service, else empty
	Groups                   []string // of one without a service, else nil
	Type                     string   // "http" or "tcp"
	Port                     int      // 0: the service's
	Interval, Timeout, Grace time.Duration
	// What an HTTP check asks for; by default GET / over http.
	Method, Path, Protocol string
	Headers                map[string]string
}

// DefaultGroup is the group of services, mounts and checks that name none: "app"
// if there is one, else the first by name.
func (f *File) DefaultGroup() string {
	groups := f.groups()
	if slices.Contains(groups, defaultGroup) {
		return defaultGroup
	}
	return slices.Min(groups)
}

// groups returns the names of f's groups, in the order of the file.
func (f *File) groups() []string {
	var names []string
	for _, p := range f.Processes {
		names = append(names, p.Group)
	}
	return names
}

// What Fly does where a file does not say.
const (
	defaultGroup          = "app"
	defaultPort           = 8080
	defaultKillSignal     = "SIGINT"
	defaultKillTimeout    = 5 * time.Second
	defaultReleaseTimeout = 5 * time.Minute
)
