package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"github.com/jackc/pgx/v5/pgconn"
)

// Diagnose says in one line what keeps a connection or a question from succeeding,
// where, and how to mend it. err is pgx's; the line holds no password.
func Diagnose(err error) string {
	var c *pgconn.Config
	if attempt := (*pgconn.ConnectError)(nil); errors.As(err, &attempt) {
		c = attempt.Config
	}
	return oneLine(where(c) + explain(err, c))
}

func where(c *pgconn.Config) string {
	if c == nil {
		return "postgres: "
	}
	hosts, ports := place(c)
	return fmt.Sprintf("postgres at host %s, port %s, database %q, user %q: ", hosts, ports, c.Database, c.User)
}

// explain prefers what a server said to what the network did: with sslmode=prefer
// or several hosts there were several attempts.
func explain(err error, c *pgconn.Config) string {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
		return explainServer(pg, c)
	}
	for _, refused := range []error{pgconn.ErrStandbyConnection, pgconn.ErrPrimaryConnection, pgconn.ErrReadOnlyConnection, pgconn.ErrReadWriteConnection} {
		if errors.Is(err, refused) {
			return fmt.Sprintf("no host is what target_session_attrs asks for (%v); correct it or the hosts", refused)
		}
	}
	if why := explainTLS(err); why != "" {
		return why
	}
	if why := explainNetwork(err, c); why != "" {
		return why
	}
	if attempt := (*pgconn.ConnectError)(nil); errors.As(err, &attempt) {
		err = attempt.Unwrap() // without the place, which is said already
	}
	return quote(err.Error(), c)
}

// trouble is a kind of what a server refuses. PgBouncer has one code for nearly
// everything, its own words and those of its server, so there the words must do.
type trouble struct {
	codes  []string
	said   []string // lower case; for PgBouncer's code alone
	quoted bool     // the server's own words are worth showing
	why    string
}

const (
	invalidPassword = "28P01"
	invalidLogin    = "28000"
	bouncersCode    = "08P01" // protocol_violation
)

var troubles = []trouble{
	{codes: []string{invalidPassword}, said: []string{"authentication failed", "no such user"},
		why: "the user or the password is wrong; correct the URL, where special characters of a password are written as %40 and the like"},
	{codes: []string{"42501"}, said: []string{"permission denied"}, quoted: true,
		why: "the user lacks a right; grant it, or name another user in the URL"},
	{said: []string{"ssl required", "tls required"}, why: wantsTLS},
	{codes: []string{invalidLogin}, said: []string{"pg_hba.conf", `role "`}, quoted: true,
		why: "the server does not let this user in; see its pg_hba.conf and whether the role may log in"},
	{codes: []string{"53300"}, said: []string{"too many", "no more connections", "remaining connection slots"},
		why: "no connection is left; lower pool_max_conns of the machines or raise the server's max_connections"},
	{codes: []string{"57P03"}, said: []string{"starting up", "shutting down", "not accepting", "not yet accepting", "in recovery mode"}, quoted: true,
		why: "the server takes no connections now; wait, or see its log"},
	{codes: []string{"57P01", "57P02"}, said: []string{"terminating connection"}, why: "the server is being stopped or was restarted"},
	// Its name is not shown: of a password with blanks it may be a part.
	{codes: []string{"42704", "22023"}, said: []string{"startup parameter", "unrecognized configuration"},
		why: "a setting in the URL is one that the server does not take; correct or remove it (PgBouncer takes few, see its ignore_startup_parameters)"},
	{said: []string{"cannot connect", "server login", "query_wait_timeout", "server conn", "server_lifetime", "client_login_timeout"}, quoted: true,
		why: "the PgBouncer there has no connection to its server"},
	{codes: []string{"3D000"}, said: []string{"no such database", "does not exist"},
		why: "there is no such database; create it, or correct the URL"},
}

const (
	wantsTLS = "the server wants TLS; put sslmode=require into the URL"
	lacksTLS = "the server has no TLS and the URL demands it; put sslmode=disable into the URL if the network is private, or switch TLS on there"
)

func explainServer(pg *pgconn.PgError, c *pgconn.Config) string {
	said := strings.ToLower(pg.Message)
	if pg.Code == invalidLogin && (strings.HasSuffix(said, "no encryption") || strings.HasSuffix(said, "ssl off")) {
		return wantsTLS
	}
	for _, t := range troubles {
		switch {
		case !t.is(pg.Code, said):
		case t.quoted:
			return t.why + ": " + quote(pg.Message, c)
		default:
			return t.why
		}
	}
	return fmt.Sprintf("the server says %s (SQLSTATE %s)", quote(pg.Message, c), quote(pg.Code, c))
}

func (t trouble) is(code, said string) bool {
	return slices.Contains(t.codes, code) ||
		code == bouncersCode && slices.ContainsFunc(t.said, func(words string) bool { return strings.Contains(said, words) })
}

func explainTLS(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
		garbage tls.RecordHeaderError
		alert   *net.OpError
	)
	switch {
	case strings.Contains(err.Error(), "server refused TLS connection"): // pgx has no value for it
		return lacksTLS
	case errors.As(err, &unknown):
		return "the server's certificate is signed by nobody that is known here; name its authority's file with sslrootcert"
	case errors.As(err, &name):
		return "the server's certificate is for another host; connect by the name that stands in it, or use sslmode=verify-ca"
	case errors.As(err, &invalid):
		return "the server's certificate is not valid (expired, or not for servers); renew it"
	case errors.As(err, &garbage), errors.As(err, &alert) && alert.Op == "remote error": // crypto/tls's name for an alert
		return "TLS fails: what answers there speaks another kind of it, or wants a certificate (sslcert, sslkey)"
	}
	return ""
}

func explainNetwork(err error, c *pgconn.Config) string {
	var lookup *net.DNSError
	var late net.Error
	timeout := ""
	if c != nil && c.ConnectTimeout > 0 {
		timeout = fmt.Sprintf(" (connect_timeout %v)", c.ConnectTimeout)
	}
	is := func(all ...error) bool {
		return slices.ContainsFunc(all, func(target error) bool { return errors.Is(err, target) })
	}
	switch {
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return "there is no host of that name; correct the URL, or see whether the private network is up"
	case errors.As(err, &lookup):
		return "the name server does not answer for that host" + timeout
	case is(syscall.ECONNREFUSED):
		return "nobody listens there; start the server, or correct host and port"
	case is(fs.ErrNotExist, fs.ErrPermission):
		return "there is no socket that can be used; start the server, or name its host in the URL"
	case is(syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EADDRNOTAVAIL):
		return "there is no way to that network from here; see routes and firewalls"
	case is(context.Canceled):
		return "it was given up before an answer came"
	case pgconn.Timeout(err), is(context.DeadlineExceeded), errors.As(err, &late) && late.Timeout():
		return "no answer in time" + timeout + "; the host is down or cut off, its PgBouncer has no server, or something else listens there"
	case is(io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed):
		return "the connection was closed; the server went away, or it is a proxy that has none"
	}
	return ""
}

const mostQuoted = 160

// quote shows what others said, unless the password is in it.
func quote(text string, c *pgconn.Config) string {
	if c != nil && c.Password != "" && strings.Contains(text, c.Password) {
		return "(not shown: the password is in it)"
	}
	text = oneLine(text)
	if len(text) > mostQuoted {
		text = strings.ToValidUTF8(text[:mostQuoted], "") + "…"
	}
	return `"` + text + `"`
}

func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}
