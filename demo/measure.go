package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"homing/dashboard"
	"homing/demo/guestbook"
	"homing/dev"
	"homing/region"
	"homing/replay"
)

const (
	rounds    = 5  // of each time; the median is shown
	ownWrites = 20 // of the users who look for what they wrote
)

// measurer signs what is written while measuring, and is removed afterwards.
const measurer = "homing demo"

// findings is what the demo measured of itself.
type findings struct {
	lag  map[region.Code]time.Duration
	from region.Code // the user's region; empty if there is only one

	readHome, readHoming   time.Duration
	writeHome, writeHoming time.Duration
	missedBare, missed     int // of ownWrites
}

// measure times what a user far from the primary sees.
func measure(ctx context.Context, cfg Config, world *dev.World, show *progress) (_ findings, err error) {
	f := findings{lag: make(map[region.Code]time.Duration)}
	defer func() { err = errors.Join(err, sweep(ctx, cfg, world)) }()
	show.say("Measuring replication")
	if err := f.measureLag(ctx, cfg, world); err != nil {
		return f, err
	}
	i := slices.IndexFunc(cfg.Regions, func(r region.Code) bool { return r != cfg.Primary })
	if i < 0 {
		return f, nil
	}
	f.from = cfg.Regions[i]
	show.say("Measuring requests as seen from %s", f.from)
	if err := f.measureTimes(ctx, cfg, world); err != nil {
		return f, err
	}
	return f, f.measureOwnWrites(ctx, world, show)
}

// sweep removes what was written while measuring, also after Ctrl-C: the folder
// may be one that is kept.
func sweep(ctx context.Context, cfg Config, world *dev.World) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return guestbook.RemoveBy(ctx, world.Database(cfg.Primary).SQL(), measurer)
}

// measureLag writes at home and notes when it can be read elsewhere.
func (f *findings) measureLag(ctx context.Context, cfg Config, world *dev.World) error {
	home := newUser(world, cfg.Primary, cfg.Primary)
	defer home.leave()
	times := make(map[region.Code][]time.Duration)
	for range rounds {
		if _, err := home.write(ctx); err != nil {
			return err
		}
		if err := world.CatchUp(ctx); err != nil {
			return err
		}
		for _, s := range world.Statuses() {
			times[s.Region] = append(times[s.Region], s.Lag)
		}
	}
	for r, t := range times {
		f.lag[r] = median(t)
	}
	return nil
}

// measureTimes compares an app that runs only at home, as a user in f.from
// reaches it, with one that runs here too.
func (f *findings) measureTimes(ctx context.Context, cfg Config, world *dev.World) error {
	atHome, here := newUser(world, f.from, cfg.Primary), newUser(world, f.from, f.from)
	defer atHome.leave()
	defer here.leave()
	for _, m := range []struct {
		result *time.Duration
		do     func(context.Context) (string, error)
	}{
		{&f.readHome, atHome.read}, {&f.readHoming, here.read},
		{&f.writeHome, atHome.write}, {&f.writeHoming, here.write},
	} {
		if _, err := m.do(ctx); err != nil { // opens the connections
			return err
		}
		times := make([]time.Duration, rounds)
		for i := range times {
			begun := time.Now()
			if _, err := m.do(ctx); err != nil {
				return err
			}
			times[i] = time.Since(begun)
		}
		*m.result = median(times)
	}
	return nil
}

// measureOwnWrites counts how often a user does not find what they have just
// written: reading without a token, as from a bare replica, and with it.
func (f *findings) measureOwnWrites(ctx context.Context, world *dev.World, show *progress) error {
	bare, remembering := newUser(world, f.from, f.from), newUser(world, f.from, f.from)
	bare.forgetful = true
	defer bare.leave()
	defer remembering.leave()
	for i := range ownWrites {
		show.say("Looking for own writes from %s: %d of %d", f.from, i+1, ownWrites)
		for _, who := range []struct {
			*user
			missed *int
		}{{bare, &f.missedBare}, {remembering, &f.missed}} {
			text, err := who.write(ctx)
			if err != nil {
				return err
			}
			page, err := who.read(ctx)
			if err != nil {
				return err
			}
			if !strings.Contains(page, text) {
				*who.missed++
			}
		}
	}
	return nil
}

// rows is what was measured, for the page.
func (f findings) rows() []dashboard.Row {
	if f.from == "" {
		return nil
	}
	return []dashboard.Row{
		{What: "read the page", Home: milliseconds(f.readHome), Homing: milliseconds(f.readHoming)},
		{What: "write an entry", Home: milliseconds(f.writeHome), Homing: milliseconds(f.writeHoming)},
		{What: fmt.Sprintf("own writes missing, of %d, against a bare replica", ownWrites), Home: fmt.Sprint(f.missedBare), Homing: fmt.Sprint(f.missed)},
	}
}

// user is somebody in one region with a connection to an edge, perhaps another's.
type user struct {
	client *http.Client
	base   string
	token  string
	// forgetful users carry no token from a write to the next read.
	forgetful bool
}

func newUser(world *dev.World, in, edge region.Code) *user {
	return &user{client: world.Client(in), base: "http://" + world.EdgeAddr(edge)}
}

func (u *user) leave() { u.client.CloseIdleConnections() }

// read returns the guestbook's page.
func (u *user) read(ctx context.Context) (string, error) {
	return u.do(ctx, http.MethodGet, "/", nil)
}

// write signs the book and returns the text.
func (u *user) write(ctx context.Context) (string, error) {
	text := fmt.Sprintf("Measuring, %s %d.", u.base[len("http://"):], time.Now().UnixNano())
	body, err := json.Marshal(map[string]string{"author": measurer, "text": text})
	if err != nil {
		return "", err
	}
	_, err = u.do(ctx, http.MethodPost, "/entries", strings.NewReader(string(body)))
	return text, err
}

func (u *user) do(ctx context.Context, method, path string, body io.Reader) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, u.base+path, body)
	if err != nil {
		return "", err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if u.token != "" && !u.forgetful {
		req.Header.Set(replay.PositionHeader, u.token)
	}
	resp, err := u.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode >= 400 {
		return "", fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, strings.TrimSpace(string(answer)))
	}
	if t := resp.Header.Get(replay.PositionHeader); t != "" {
		u.token = t
	}
	return string(answer), nil
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
