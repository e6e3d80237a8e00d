package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"homing/position"
)

var (
	errGap    = errors.New("the feed does not continue where this replica is; taking a snapshot")
	errSilent = fmt.Errorf("the feed has been silent for %s", feedPatience)
)

// follower opens connections to the primary's feed.
type follower struct {
	url       string
	token     string
	client    *http.Client
	transport *http.Transport
}

func newFollower(cfg Config) follower {
	// No proxy from the environment: this is traffic between our own machines.
	t := &http.Transport{
		DialContext:            cfg.Dial,
		DisableCompression:     true, // an LTX file is compressed
		DisableKeepAlives:      true, // a feed that ended is a connection that ended
		MaxResponseHeaderBytes: 16 << 10,
		TLSHandshakeTimeout:    feedPatience,
	}
	return follower{url: cfg.Feed, token: feedToken(cfg.Secret), transport: t, client: &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (f *follower) close() { f.transport.CloseIdleConnections() }

// session is one connection to the feed, after its epoch.
type session struct {
	body   io.Closer
	frames *frameReader
	epoch  position.Epoch
	alarm  *time.Timer
}

func (s *session) close() {
	s.alarm.Stop()
	s.body.Close()
}

// connect asks for what comes after a number, or for a snapshot if epoch is "".
// cancel must end ctx; it is called when the feed falls silent.
func (f *follower) connect(ctx context.Context, cancel func(), epoch position.Epoch, after uint64) (*session, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.url, nil)
	if err != nil {
		return nil, err
	}
	if epoch != "" {
		req.URL.RawQuery = url.Values{"epoch": {string(epoch)}, "after": {string(formatTXID(after))}}.Encode()
	}
	if f.token != "" {
		req.Header.Set("Authorization", f.token)
	}
	body := &alarmed{alarm: time.AfterFunc(feedPatience, cancel)}
	res, err := f.client.Do(req)
	if err != nil {
		return nil, body.explain(err)
	}
	body.r = res.Body
	s := &session{body: res.Body, frames: newFrameReader(body), alarm: body.alarm}
	if err := s.hello(res); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// hello checks that this is a feed, and reads its epoch.
func (s *session) hello(res *http.Response) error {
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != feedType {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 200))
		return fmt.Errorf("not a feed: %s: %q", res.Status, strings.TrimSpace(string(text)))
	}
	first, err := s.frames.next()
	if err != nil {
		return err
	}
	if first.kind != frameEpoch {
		return fmt.Errorf("%w: the feed does not begin with its epoch", errCorrupt)
	}
	epoch, err := s.frames.small(epochLen)
	if err != nil {
		return err
	}
	if !validEpoch(string(epoch)) {
		return fmt.Errorf("%w: epoch %q", errCorrupt, epoch)
	}
	s.epoch = position.Epoch(epoch)
	return nil
}

// alarmed resets the alarm with every byte that comes. The alarm cancels the
// request: that ends even a connection which ignores deadlines.
type alarmed struct {
	r     io.Reader
	alarm *time.Timer
}

func (a *alarmed) Read(p []byte) (int, error) {
	n, err := a.r.Read(p)
	if err != nil {
		return n, a.explain(err)
	}
	a.alarm.Reset(feedPatience)
	return n, nil
}

// explain says so when err came of the alarm.
func (a *alarmed) explain(err error) error {
	if !a.alarm.Stop() && errors.Is(err, context.Canceled) {
		return errSilent
	}
	return err
}
