package relay

import (
	"errors"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

var errUnclear = errors.New(`relay: the URL cannot be read; want "postgres://user:password@host:5432/database" or "host=… user=… password=…", ` +
	`with what is special in a name or password written as %40 for "@" and %2F for "/"`)

// URL returns an app's DATABASE_URL so that it leads through the relay: a URL of any
// scheme (postgres, postgresql+asyncpg, jdbc:postgresql), or a list of keywords. User,
// password, database and parameters stay as they are, but for those that would lead
// elsewhere, choose among hosts, or ask for encryption. The error quotes nothing.
func (r *Relay) URL(of string) (string, error) {
	scheme, rest, isURL := strings.Cut(of, "://")
	if !isURL || strings.ContainsAny(scheme, "= ") {
		return r.keywords(of)
	}
	if scheme == "" {
		return "", errUnclear
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, slash := strings.Cut(rest, "/")
	login, _, hasLogin := strings.Cut(authority, "@")
	if strings.Count(authority, "@") > 1 || !hasLogin && strings.Contains(path+query, "@") {
		return "", errUnclear
	}
	if hasLogin {
		login += "@"
	} else {
		login = ""
	}
	if slash {
		path = "/" + path
	}
	host, port, folder := r.place()
	if folder == "" {
		login += net.JoinHostPort(host, port)
	}
	return scheme + "://" + login + path + parameters(scheme, query, folder), nil
}

// place is where the app finds the relay: at a host and a port, or in a folder.
func (r *Relay) place() (host, port, folder string) {
	switch at := r.Addr().(type) {
	case *net.TCPAddr:
		host, port = at.IP.String(), strconv.Itoa(at.Port)
		if at.IP.IsUnspecified() {
			host = "127.0.0.1"
		}
	default:
		folder = filepath.Dir(at.String())
	}
	return host, port, folder
}

// parameters returns a URL's query without what misleads.
func parameters(scheme, query, folder string) string {
	all := strings.Split(query, "&")
	all = slices.DeleteFunc(all, func(p string) bool {
		name, _, _ := strings.Cut(p, "=")
		return name == "" || misleads(name)
	})
	switch {
	case strings.Contains(scheme, "asyncpg"): // through SQLAlchemy it does not know libpq's name
		all = append(all, "ssl=disable")
	case scheme != "ecto": // which has no encryption unless asked
		all = append(all, "sslmode=disable")
	}
	if folder != "" {
		all = append(all, "host="+url.QueryEscape(folder), "port="+strconv.Itoa(socketPort))
	}
	if len(all) == 0 {
		return ""
	}
	return "?" + strings.Join(all, "&")
}

// misleads reports whether a parameter would lead past the relay or to another server,
// or ask for what there is none of between app and relay. Drivers write some of them
// in one word of mixed case.
func misleads(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "")
	switch name {
	case "host", "hostaddr", "port", "targetsessionattrs", "targetservertype", "loadbalancehosts",
		"requiressl", "channelbinding", "gssencmode", "requirepeer":
		return true
	}
	return strings.HasPrefix(name, "ssl")
}

// keywords is URL for a list such as "host=… user=…".
func (r *Relay) keywords(of string) (string, error) {
	var list []string
	for rest := strings.TrimSpace(of); rest != ""; {
		pair, name, ok := cutPair(rest)
		if !ok {
			return "", errUnclear
		}
		if !misleads(name) {
			list = append(list, pair)
		}
		rest = strings.TrimLeft(rest[len(pair):], blanks)
	}
	host, port, folder := r.place()
	if folder != "" {
		host, port = quoted(folder), strconv.Itoa(socketPort)
	}
	// In front: a last value that is empty would take what follows for itself.
	return strings.Join(append([]string{"host=" + host, "port=" + port, "sslmode=disable"}, list...), " "), nil
}

const blanks = " \t\r\n\f\v"

// cutPair returns what text begins with: a name, "=", and a value, which may be in
// quotes and have escapes.
func cutPair(text string) (pair, name string, ok bool) {
	name, value, ok := strings.Cut(text, "=")
	name = strings.TrimRight(name, blanks)
	if !ok || name == "" || strings.ContainsAny(name, blanks+"'\\") {
		return "", "", false
	}
	value = strings.TrimLeft(value, blanks)
	start := len(text) - len(value)
	quote := strings.HasPrefix(value, "'")
	i := 0
	if quote {
		i++
	}
	for ; i < len(value); i++ {
		switch c := value[i]; {
		case c == '\\':
			i++
		case quote && c == '\'':
			return text[:start+i+1], name, true
		case !quote && strings.IndexByte(blanks, c) >= 0:
			return text[:start+i], name, true
		}
	}
	return text, name, !quote
}

func quoted(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(value) + "'"
}
