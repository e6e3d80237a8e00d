package homingtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"sync"

	"homing/region"
)

// Origin is where clients find the app, in every region; each has its own edge there.
const Origin = "http://app.test"

var origin = &url.URL{Scheme: "http", Host: "app.test"}

// Client is somebody's browser in one region: it keeps its cookies, also those marked
// Secure, and follows redirects within the app. What it asks for is a path, as in
// "/entries?page=2". Safe for concurrent use.
type Client struct {
	world  *World
	region region.Code
	http   *http.Client

	mu   sync.Mutex
	last *Journey // nil: none yet
}

// Client returns a new one, with no cookies yet, that talks to the region's edge.
func (w *World) Client(r region.Code) *Client {
	w.t.Helper()
	if err := w.has(r); err != nil {
		w.fatal("make a client", err)
	}
	jar, _ := cookiejar.New(nil) // never fails without options
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return w.run.dev.DialEdge(ctx, r, r) },
		// As many as ask at once: a connection that is closed for another is work.
		MaxIdleConnsPerHost: 100,
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &Client{world: w, region: r, http: &http.Client{
		Transport: transport, Jar: secureJar{jar}, CheckRedirect: within,
	}}
}

// within follows redirects that stay in the app; any other is the answer.
func within(req *http.Request, via []*http.Request) error {
	before := via[len(via)-1]
	if req.URL.Host != before.URL.Host || req.URL.Scheme != before.URL.Scheme {
		return http.ErrUseLastResponse
	}
	if len(via) >= 10 {
		return errors.New("redirected 10 times")
	}
	return nil
}

// secureJar takes each URL for one of HTTPS, as the app's is in production.
type secureJar struct{ *cookiejar.Jar }

func (j secureJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.Jar.SetCookies(secured(u), cookies)
}

func (j secureJar) Cookies(u *url.URL) []*http.Cookie { return j.Jar.Cookies(secured(u)) }

func secured(u *url.URL) *url.URL {
	s := *u
	s.Scheme = "https"
	return &s
}

// Response is an answer that was read to its end.
type Response struct {
	Status  int // 0: there was none, and the test has failed
	Header  http.Header
	Body    string
	Journey Journey
	// Before is the answer that redirected here, without its body; nil: none did.
	Before *Response
}

// Get asks for a path. Where no whole answer comes, it fails the test and returns a
// Response with Status 0; so do Post and PostForm.
func (c *Client) Get(path string) *Response {
	c.world.t.Helper()
	return c.ask(http.MethodGet, path, "", nil)
}

// Post sends a body of a content type to a path.
func (c *Client) Post(path, contentType string, body io.Reader) *Response {
	c.world.t.Helper()
	return c.ask(http.MethodPost, path, contentType, body)
}

// PostForm sends a form to a path.
func (c *Client) PostForm(path string, form url.Values) *Response {
	c.world.t.Helper()
	return c.ask(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

func (c *Client) ask(method, path, contentType string, body io.Reader) *Response {
	c.world.t.Helper()
	req, err := http.NewRequest(method, path, body)
	if err == nil {
		if contentType != "" {
			req.Header.Set("Content-Type", contentType)
		}
		var resp *Response
		if resp, err = c.Do(req); err == nil {
			return resp
		}
	}
	c.world.errorf("%s %s in %s: %v", method, path, c.region, err)
	return &Response{Header: http.Header{}}
}

// Do sends any request; its URL may be a path alone. It returns an error where no whole
// answer comes, within a minute at most, and leaves it to the test what that means.
func (c *Client) Do(req *http.Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), patience)
	defer cancel()
	out := req.Clone(ctx)
	out.URL, out.RequestURI = origin.ResolveReference(req.URL), "" // httptest.NewRequest sets the latter
	resp, err := c.http.Do(out)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, errors.New("the app switched protocols; use HTTP")
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return c.read(resp, string(body))
}

// read makes a Response of an answer and of those that redirected to it.
func (c *Client) read(resp *http.Response, body string) (r *Response, err error) {
	r = &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if from := resp.Request.Response; from != nil {
		if r.Before, err = c.read(from, ""); err != nil {
			return nil, err
		}
	}
	r.Journey, err = c.journey(resp)
	return r, err
}

// journey finds the journey of an answer, and notes it as the last.
func (c *Client) journey(resp *http.Response) (Journey, error) {
	id := resp.Header.Get("Fly-Request-Id")
	record := c.world.run.journeys.take(id)
	if record == nil {
		return Journey{}, fmt.Errorf("the edge has no record of request %q", id)
	}
	j := newJourney(record)
	c.mu.Lock()
	c.last = &j
	c.mu.Unlock()
	c.world.run.note(&j)
	return j, nil
}

// Last returns the journey of this client's last answer. Without one it fails the test.
func (c *Client) Last() Journey {
	c.world.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.world.known(c.last)
}

// HTTP returns what is beneath: for WebSockets, streams and generated clients, with
// URLs that begin with [Origin]. It has the client's cookies, and no journeys.
func (c *Client) HTTP() *http.Client { return c.http }
