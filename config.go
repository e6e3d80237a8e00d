package homing

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"homing/observe"
	"homing/position"
	"homing/region"
)

// Config says how a [Site] decides. The zero value is a site without regions,
// which leaves everything to the app. A field that is set here wins over the
// environment; the log says which was used.
type Config struct {
	// Env is what the environment says, usually from [FromEnv].
	Env Env

	// Database is the app's database in this region. Without one, requests are
	// told apart by method, route and PRIMARY_REGION alone, and after a write a
	// client's reads go home for the time of Window.
	Database Database

	// WriteRoutes are requests that write although their method does not say so,
	// ReadRoutes those that do not although it does, as patterns of
	// [net/http.ServeMux]: "GET /logout", "POST /search". Two that contradict
	// each other are an error. A read route that writes all the same is found
	// out by the database, and goes home after all.
	WriteRoutes, ReadRoutes []string

	// Consistency is what clients are promised. Default [OwnWrites].
	Consistency Consistency

	// SecondTry sends a read home that found nothing on a replica (404): perhaps
	// somebody has only just written it. It costs each request for what does not
	// exist, such as a robot's, the way home.
	SecondTry bool

	// SecondTryOwn is SecondTry for clients that have written in the last TokenLife
	// alone, which is seen by the token they carry: perhaps what they wrote has led to
	// what they look for.
	SecondTryOwn bool

	// Mode is [On] by default; [Observe] and [Off] change nothing about requests.
	Mode Mode

	// ClientNetworks say in which region the clients of a network are, for
	// [Observe]; the longest that fits counts. Without one, or where none fits, it is
	// the region of the edge in front (Fly-Region).
	ClientNetworks map[netip.Prefix]region.Code

	// Region and PrimaryRegion replace what Env says. An empty Region without
	// one in Env switches Homing off.
	Region, PrimaryRegion region.Code

	// Replay says who takes a request home. Default [Proxy]: somebody in front of the
	// app carries out fly-replay. With [Forward] the handler sends it itself, which
	// needs PrimaryURL and a secret.
	Replay Replay

	// PrimaryURL is where the primary is reached, as http:// or https:// and a host.
	// The host and port that clients asked for stay in the request, so what answers
	// there must serve them. After a promotion it should lead to the new primary, as
	// a DNS name does that follows it: nothing else says so here. With [Proxy] it
	// counts only on Fly, for bodies that are too large to be replayed; the default
	// there is the app's own name in the primary's region.
	PrimaryURL string

	// Secret signs tokens and what is forwarded, "new,old": the first signs, all verify. Without one a
	// client can make up a token, and gains slower reads for itself by it.
	Secret string

	// Wait is how long a read waits for what its client wrote before it goes
	// home. Default: as long as the way home takes, by the places of the regions,
	// but at most 1 s; 200 ms where a place is not known. Longer waits keep more
	// reads here and make the slowest slower.
	Wait time.Duration

	// Hold is how many bytes of an answer are held back until its handler is
	// done. Default 64 KiB. Longer answers, and those that flush, leave at once,
	// and can be sent home no more.
	Hold int

	// Window is how long a client's reads go home after a write whose position
	// could not be read. Default 5 s. It should exceed the replication lag.
	Window time.Duration

	// TokenLife is how long a client keeps its token. Default 5 min. A replica
	// that is further behind than that shows a client a page older than its
	// own write.
	TokenLife time.Duration

	// MaxLag is how far a replica may be behind and still be healthy, see
	// [Site.Health]. Default 10 s. A replica that is further behind still serves
	// what it is asked, unless a health check takes its requests away.
	MaxLag time.Duration

	// CookieDomain lets subdomains share tokens. Default: this host alone.
	CookieDomain string

	// Logger gets what an operator should know. nil: slog.Default().
	Logger *slog.Logger

	// Names are what the log and the report call settings. The zero value: as they are
	// called here; a program that has flags for them names those.
	Names observe.Names
}

const (
	defaultHold      = 64 << 10
	defaultWindow    = 5 * time.Second
	defaultTokenLife = 5 * time.Minute
	defaultMaxLag    = 10 * time.Second
	maxDefaultWait   = time.Second
	unknownWait      = 200 * time.Millisecond
)

// resolve merges what the struct and the environment say into one Config, with
// the secret turned into keys, and says where each setting came from.
func (c Config) resolve() (Config, position.Keys, []Setting, error) {
	used := settled{env: c.Env}
	var errs []error
	inStruct := pick(&c.Mode, c.Env.Mode)
	pick(&c.Mode, On)
	used.note("Mode", c.Mode, inStruct)
	inStruct = pick(&c.Region, c.Env.Region)
	used.note("Region", c.Region, inStruct)
	inStruct = pick(&c.PrimaryRegion, c.Env.PrimaryRegion)
	used.note("PrimaryRegion", c.PrimaryRegion, inStruct)

	keys := c.Env.Keys
	if c.Secret != "" {
		var err error
		if keys, err = position.ParseKeys(c.Secret); err != nil {
			errs = append(errs, fmt.Errorf("homing: Secret: %w", err))
		}
	}
	used.note("Secret", keys, c.Secret != "")
	c.resolveReplay(&used)
	inStruct = pick(&c.Consistency, c.Env.Consistency)
	pick(&c.Consistency, OwnWrites)
	used.note("Consistency", c.Consistency, inStruct)
	inStruct = pick(&c.Wait, c.Env.Wait)
	used.note("Wait", c.patience(c.PrimaryRegion), inStruct)
	inStruct = pick(&c.Hold, c.Env.Hold)
	pick(&c.Hold, defaultHold)
	used.note("Hold", c.Hold, inStruct)
	inStruct = pick(&c.CookieDomain, c.Env.CookieDomain)
	used.note("CookieDomain", c.CookieDomain, inStruct)
	pick(&c.Window, defaultWindow)
	pick(&c.TokenLife, defaultTokenLife)
	pick(&c.MaxLag, defaultMaxLag)
	pick(&c.Logger, slog.Default())
	pick(&c.Names, observe.NamesInGo())
	return c, keys, used.all, errors.Join(append(errs, c.validate(), c.checkReplay(keys))...)
}

// pick sets *field to fallback if it is zero, and reports whether it was set
// before.
func pick[T comparable](field *T, fallback T) bool {
	var zero T
	if *field != zero {
		return true
	}
	*field = fallback
	return false
}

func (c Config) validate() error {
	var errs []error
	if _, err := ParseMode(string(c.Mode)); err != nil {
		return fmt.Errorf("homing: Mode: %w", err)
	}
	if c.Region == "" || c.Mode != On {
		return nil // nothing is decided, so nothing else matters
	}
	if err := checkRegion(c.Region); err != nil {
		errs = append(errs, fmt.Errorf("homing: where this machine is: %w", err))
	}
	if c.PrimaryRegion == "" {
		errs = append(errs, fmt.Errorf("homing: region is %q, but nothing says where the primary is; set PRIMARY_REGION", c.Region))
	} else if err := checkRegion(c.PrimaryRegion); err != nil {
		errs = append(errs, fmt.Errorf("homing: where the primary is: %w", err))
	}
	if _, err := ParseConsistency(string(c.Consistency)); err != nil {
		errs = append(errs, fmt.Errorf("homing: Consistency: %w", err))
	}
	if err := (&http.Cookie{Name: "x", Domain: c.CookieDomain}).Valid(); err != nil {
		errs = append(errs, fmt.Errorf("homing: CookieDomain %q is not a domain that cookies can have", c.CookieDomain))
	}
	for _, f := range []struct {
		name     string
		negative bool
	}{{"Wait", c.Wait < 0}, {"Hold", c.Hold < 0}, {"Window", c.Window < 0}, {"TokenLife", c.TokenLife < 0}, {"MaxLag", c.MaxLag < 0}} {
		if f.negative {
			errs = append(errs, fmt.Errorf("homing: %s is negative", f.name))
		}
	}
	return errors.Join(errs...)
}

// checkRegion refuses what no machine can be in. A code in capitals would match
// nothing.
func checkRegion(c region.Code) error {
	parsed, err := region.Parse(string(c))
	switch {
	case err != nil:
		return err
	case parsed != c:
		return fmt.Errorf("region %q: want %q", c, parsed)
	case c.IsAlias():
		return fmt.Errorf("%q is a group of regions; name one", c)
	}
	return nil
}

// patience is how long a read waits for its position before it goes home: what is set,
// or as long as the way to where home is now.
func (c Config) patience(home region.Code) time.Duration {
	if c.Wait != 0 {
		return c.Wait
	}
	return waitHome(c.Region, home)
}

// waitHome is how long a wait may take before going home would have been faster.
func waitHome(here, home region.Code) time.Duration {
	d, known := region.RoundTrip(here, home)
	if !known {
		return unknownWait
	}
	return max(time.Millisecond, min(d, maxDefaultWait))
}
