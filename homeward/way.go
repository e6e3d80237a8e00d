package homeward

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"

	"homing/forward"
	"homing/position"
	"homing/region"
)

// Config says where a [Way] leads. URL, From and Keys are required.
type Config struct {
	// URL is where the primary is reached: http:// or https://, a host, and perhaps
	// a port.
	URL string
	// From is the region that requests are sent from.
	From region.Code
	// Keys sign what is sent.
	Keys position.Keys
	// BodyLimit is how many bytes of a body are kept while the app reads it. Default
	// 10 MiB.
	BodyLimit int64
	// BodyBudget bounds what all kept bodies hold together. Default 64 MiB.
	BodyBudget int64
	// TLS is for an https URL; nil checks against the system's roots.
	TLS *tls.Config
}

// Way leads to the primary. Create it with [New]. Safe for concurrent use.
type Way struct {
	cfg    Config
	addr   string // host and port
	pool   *forward.Pool
	budget *forward.Budget
}

// New returns a way. It dials nothing yet. The error is one line, and quotes nothing
// of the URL, which may hold a password.
func New(cfg Config) (*Way, error) {
	addr, secure, err := parseURL(cfg.URL)
	switch {
	case err != nil:
		return nil, err
	case cfg.From == "":
		return nil, errors.New("homeward: From must name the region that requests are sent from")
	case cfg.Keys.IsZero():
		return nil, errors.New("homeward: Keys must sign what is sent")
	}
	if cfg.BodyLimit <= 0 {
		cfg.BodyLimit = 10 << 20
	}
	if cfg.BodyBudget <= 0 {
		cfg.BodyBudget = 64 << 20
	}
	var pool forward.Config
	if secure {
		pool.Dial = forward.DialTLS(cfg.TLS)
	}
	return &Way{cfg: cfg, addr: addr, pool: forward.NewPool(pool), budget: forward.NewBudget(cfg.BodyBudget)}, nil
}

// Close closes idle connections and lets no new exchange begin. A way that is not
// closed closes them by itself once they have been idle for 4 s, or for as long as the
// primary's site said that it keeps them (Keep-Alive: timeout=…), 5 minutes at most.
func (w *Way) Close() { w.pool.Close() }

// KeptBytes returns how many bytes of request bodies are held now.
func (w *Way) KeptBytes() int64 { return w.budget.Used() }

// CheckURL says in one line why a URL cannot be that of a way, without quoting it.
func CheckURL(text string) error {
	_, _, err := parseURL(text)
	return err
}

// badURL is what is wrong with a URL. What it says quotes nothing of it.
type badURL string

func (e badURL) Error() string {
	return "want http:// or https:// and a host, such as \"https://primary.example.com\", but " + string(e)
}

func parseURL(text string) (addr string, secure bool, err error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return "", false, badURL("this is no URL") // url's own error quotes it
	case u.Scheme != "http" && u.Scheme != "https":
		return "", false, badURL("it does not begin with either")
	case u.User != nil:
		return "", false, badURL("it has a user name or password, which nobody would be sent")
	case u.Hostname() == "":
		return "", false, badURL("it has no host")
	case u.Path != "" && u.Path != "/":
		return "", false, badURL("it has a path; requests keep their own")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "", false, badURL("it has a query or a fragment; requests keep their own")
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", false, badURL("its port is not a number from 1 to 65535")
	}
	return net.JoinHostPort(u.Hostname(), port), u.Scheme == "https", nil
}
