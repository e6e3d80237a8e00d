package fleet

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"homing/machine"
)

// Organisation is whom an app belongs to: a name and no more. Apps of the empty
// one belong together, too.
type Organisation string

// App describes an app to the edge.
type App struct {
	Name         machine.App
	Organisation Organisation
	// AllowFrom are other organisations whose apps may replay into this one.
	AllowFrom []Organisation
	// Hosts are the names that requests for it come in under: exact ones, such as
	// "example.com" or an address; "*.example.com" for whatever ends so, at any depth; "*" for
	// whatever no other app takes. None: it is reached by replays only.
	Hosts   []string
	Options Options
}

// MayReplay reports whether a machine of one app may send its requests to
// another: within an organisation, and where the other allows it.
func MayReplay(from, to *App) bool {
	return from.Name == to.Name || from.Organisation == to.Organisation || slices.Contains(to.AllowFrom, from.Organisation)
}

// SetApps replaces the descriptions of all apps. The error joins all that is wrong
// with them; the fleet is then as before.
func (f *Fleet) SetApps(apps ...App) error {
	d, err := newDirectory(apps)
	if err != nil {
		return err
	}
	f.change.Lock()
	defer f.change.Unlock()
	old := f.current.Load()
	f.replace(old, newSnapshot(old.distances, old.machines, d))
	return nil
}

// App returns an app's description. One that runs machines and was not described
// is in the empty organisation and has no hosts. It is never nil: of an app that is not
// there the description is empty.
func (s *Snapshot) App(name machine.App) (*App, bool) {
	if app, ok := s.apps[name]; ok {
		return app, true
	}
	return &noApp, false
}

var noApp App

// AppByHost returns the app that a request's Host header means: an exact name
// counts before a wildcard, a longer wildcard before a shorter one. Case, a port
// and the dot of a full name do not matter. It is never nil either.
func (s *Snapshot) AppByHost(host string) (*App, bool) {
	if s.directory == nil {
		return &noApp, false
	}
	name := s.directory.find(host)
	if name == "" {
		return &noApp, false
	}
	return s.App(name)
}

// directory finds apps by name and host. It never changes.
type directory struct {
	apps  map[machine.App]*App
	exact map[string]machine.App // by host, in lower case
	under map[string]machine.App // by the end of a host, from a dot on; "" for all
}

// maxHost is how long a DNS name can be. Longer ones are not looked up, since each
// of their ends would be.
const maxHost = 253

func newDirectory(apps []App) (*directory, error) {
	d := &directory{apps: map[machine.App]*App{}, exact: map[string]machine.App{}, under: map[string]machine.App{}}
	var errs []error
	for _, app := range apps {
		if _, err := machine.ParseApp(string(app.Name)); err != nil {
			errs = append(errs, err)
			continue
		}
		if _, twice := d.apps[app.Name]; twice {
			errs = append(errs, fmt.Errorf("app %s is described twice", app.Name))
			continue
		}
		app.AllowFrom, app.Hosts = slices.Clone(app.AllowFrom), slices.Clone(app.Hosts)
		var err error
		if app.Options, err = app.Options.prepared(); err != nil {
			errs = append(errs, fmt.Errorf("app %s: %w", app.Name, err))
		}
		d.apps[app.Name] = &app
		for _, host := range app.Hosts {
			if err := d.add(app.Name, host); err != nil {
				errs = append(errs, fmt.Errorf("app %s: %w", app.Name, err))
			}
		}
	}
	return d, errors.Join(errs...)
}

// add enters one of an app's hosts.
func (d *directory) add(app machine.App, host string) error {
	name, table := strings.TrimSuffix(strings.ToLower(host), "."), d.exact
	if end, ok := strings.CutPrefix(name, "*"); ok {
		name, table = end, d.under
	}
	isAll := host == "*"
	isEnd := len(name) > 1 && name[0] == '.' && host[0] == '*'
	isName := name != "" && name[0] != '.' && host[0] != '*'
	strange := strings.ContainsAny(name, "*/: \t\r\n") && net.ParseIP(name) == nil
	if !isAll && !isEnd && !isName || len(name) > maxHost || strange {
		return fmt.Errorf("host %.80q: want a name without a port, *.name or *", host)
	}
	if other, taken := table[name]; taken {
		return fmt.Errorf("host %s is taken by app %s", host, other)
	}
	table[name] = app
	return nil
}

// find returns the name of a host's app; empty: it is nobody's.
func (d *directory) find(host string) machine.App {
	host = bare(host)
	if len(host) <= maxHost {
		host = strings.ToLower(host)
		if name, ok := d.exact[host]; ok {
			return name
		}
		for i := strings.IndexByte(host, '.'); i > 0; {
			if name, ok := d.under[host[i:]]; ok {
				return name
			}
			next := strings.IndexByte(host[i+1:], '.')
			if next < 0 {
				break
			}
			i += 1 + next
		}
	}
	return d.under[""]
}

// bare returns a Host header's name, without port, brackets and the last dot.
func bare(host string) string {
	if strings.HasPrefix(host, "[") {
		if name, _, ok := strings.Cut(host[1:], "]"); ok {
			return name
		}
	}
	if strings.IndexByte(host, ':') >= 0 {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
	}
	return strings.TrimSuffix(host, ".")
}
