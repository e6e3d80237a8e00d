package languages

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// link is what the examples keep.
type link struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	URL    string `json:"url"`
	Visits int64  `json:"visits"`
}

// client is somebody who talks to one address and follows no redirects. Its token is
// what a browser has as a cookie.
type client struct {
	addr  string
	host  string // what it takes the address for; empty: that
	token string
}

// answer is what a client got.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) String() string { return fmt.Sprintf("%d %.300q", a.status, a.body) }

var transport = &http.Transport{MaxIdleConnsPerHost: 20}

func (c *client) do(method, path string, form url.Values) (a answer, err error) {
	req, err := http.NewRequest(method, "http://"+c.addr+path, strings.NewReader(form.Encode()))
	if err != nil {
		return a, err
	}
	req.Host = c.host
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if c.token != "" {
		req.Header.Set("Homing-Position", c.token)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	if token := resp.Header.Get("Homing-Position"); token != "" {
		c.token = token
	}
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}, err
}

func (c *client) get(t *testing.T, path string) answer {
	t.Helper()
	return c.ask(t, http.MethodGet, path, nil)
}

func (c *client) ask(t *testing.T, method, path string, form url.Values) answer {
	t.Helper()
	a, err := c.do(method, path, form)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// create keeps a link and returns it as the app has it.
func (c *client) create(t *testing.T, name string) (l link) {
	t.Helper()
	a := c.ask(t, http.MethodPost, "/links", form(name))
	a.read(t, &l)
	if a.status != http.StatusCreated || l.ID == 0 || l.Name != name || l.URL != address(name) || l.Visits != 0 {
		t.Fatalf("creating %s: %v", name, a)
	}
	return l
}

func form(name string) url.Values { return url.Values{"name": {name}, "url": {address(name)}} }

func address(name string) string { return "http://" + name + ".test/" }

func (c *client) show(t *testing.T, id int64) (l link) {
	t.Helper()
	a := c.get(t, fmt.Sprintf("/links/%d", id))
	a.read(t, &l)
	if a.status != http.StatusOK {
		t.Errorf("link %d: %v", id, a)
	}
	return l
}

// visit follows a link.
func (c *client) visit(t *testing.T, name string) answer {
	t.Helper()
	a := c.get(t, "/go/"+name)
	if a.status != http.StatusFound || a.header.Get("Location") != address(name) {
		t.Errorf("a visit of %s: %v %q", name, a, a.header.Get("Location"))
	}
	return a
}

func (a answer) read(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Errorf("%v: %v", a, err)
	}
}
