package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"homing/postgres/pgtest"
)

func TestDiagnose(t *testing.T) {
	server := func(code, message string) error {
		return fmt.Errorf("failed: %w", &pgconn.PgError{Severity: "FATAL", Code: code, Message: message})
	}
	for _, tt := range []struct {
		behaviour string
		err       error
		want      string
	}{
		{"a wrong password", server("28P01", `password authentication failed for user "u"`), "password is wrong"},
		{"a wrong password at PgBouncer", server("08P01", "SASL authentication failed"), "password is wrong"},
		{"a user that PgBouncer lacks", server("08P01", "no such user"), "password is wrong"},
		{"no such database", server("3D000", `database "d" does not exist`), "no such database"},
		{"no such database behind PgBouncer", server("08P01", `database "d" does not exist`), "no such database"},
		{"no such database at PgBouncer", server("08P01", "no such database: d"), "no such database"},
		{"no such role", server("28000", `role "u" does not exist`), `let this user in; see its pg_hba.conf and whether the role may log in: "role "u" does`},
		{"no such role behind PgBouncer", server("08P01", `role "u" does not exist`), "let this user in"},
		{"not from this host", server("28000", `no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", SSL encryption`), "pg_hba.conf"},
		{"not without TLS", server("28000", `no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption`), "sslmode=require"},
		{"not without TLS, in older words", server("28000", `no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", SSL off`), "sslmode=require"},
		{"PgBouncer wants TLS", server("08P01", "SSL required"), "sslmode=require"},
		{"a right that is missing", server("42501", "permission denied for function pg_control_system"), "pg_control_system"},
		{"a database that may not be used, behind PgBouncer", server("08P01", `permission denied for database "d"`), "lacks a right"},
		{"too many connections", server("53300", "sorry, too many clients already"), "pool_max_conns"},
		{"too many of a database, behind PgBouncer", server("08P01", `too many connections for database "d"`), "pool_max_conns"},
		{"too many at PgBouncer", server("08P01", "no more connections allowed (max_client_conn)"), "pool_max_conns"},
		{"starting up", server("57P03", "the database system is starting up"), `now; wait, or see its log: "the database system is starting up"`},
		{"starting up behind PgBouncer", server("08P01", "the database system is starting up"), "takes no connections now"},
		{"being stopped", server("57P01", "terminating connection due to administrator command"), "being stopped"},
		{"a setting unknown", server("42704", `unrecognized configuration parameter "geheim"`), "a setting in the URL"},
		{"a setting unknown to PgBouncer", server("08P01", "unsupported startup parameter: geheim"), "ignore_startup_parameters"},
		{"PgBouncer without a server", server("08P01", "server login has been failing, try again later (server_login_retry)"), "no connection to its server"},
		{"PgBouncer's client waited", server("08P01", "query_wait_timeout"), "no connection to its server"},
		{"something else", server("XX000", "cache lookup failed\n\x1b[31mfor relation 1"), `the server says "cache lookup failed [31mfor relation 1" (SQLSTATE "XX000")`},
		{"something else at PgBouncer", server("08P01", "bad packet"), `"bad packet"`},
		{"a long story", server("XX000", strings.Repeat("é", 1000)), "…"},
		{"what the server said counts most", errors.Join(syscall.ECONNREFUSED, server("28P01", "")), "password is wrong"},
		{"only a replica will do", fmt.Errorf("x: %w", pgconn.ErrPrimaryConnection), "target_session_attrs"},
		{"no such host", &net.DNSError{Name: "h", IsNotFound: true}, "no host of that name"},
		{"no name server", &net.DNSError{Name: "h", IsTemporary: true}, "name server"},
		{"nobody listens", fmt.Errorf("dial: %w", syscall.ECONNREFUSED), "nobody listens"},
		{"no way", fmt.Errorf("dial: %w", syscall.ENETUNREACH), "no way"},
		{"too late", fmt.Errorf("x: %w", context.DeadlineExceeded), "no answer in time"},
		{"too late for a connection", fmt.Errorf("read: %w", &net.OpError{Op: "read", Err: syscall.ETIMEDOUT}), "no answer in time"},
		{"given up", context.Canceled, "given up"},
		{"the end", io.ErrUnexpectedEOF, "closed"},
		{"broken", syscall.ECONNRESET, "closed"},
		{"an unknown authority", x509.UnknownAuthorityError{}, "sslrootcert"},
		{"another host's certificate", x509.HostnameError{Certificate: new(x509.Certificate), Host: "h"}, "another host"},
		{"an old certificate", x509.CertificateInvalidError{Reason: x509.Expired}, "renew"},
		{"no TLS at all", tls.RecordHeaderError{Msg: "x"}, "TLS fails"},
		{"anything else", errors.New("odd\nthing"), `"odd thing"`},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			got := Diagnose(tt.err)
			if !strings.HasPrefix(got, "postgres: ") || !strings.Contains(got, tt.want) {
				t.Errorf("%q does not say %q", got, tt.want)
			}
			if strings.ContainsAny(got, "\n\x1b") || strings.Contains(got, "geheim") || len(got) > 400 {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestAServerThatRepeatsThePasswordIsNotQuoted(t *testing.T) {
	c := &pgconn.Config{Password: "geheim"}
	if got := quote("you said geheim", c); strings.Contains(got, "geheim") {
		t.Error(got)
	}
}

// attempt connects a pool to where a text leads, and returns the diagnosis.
func attempt(t *testing.T, text string, timeout time.Duration, change func(*pgxpool.Config)) string {
	t.Helper()
	pool, err := parse("DATABASE_URL", text)
	if err != nil {
		t.Fatal(err)
	}
	tune(pool, "gru")
	pool.ConnConfig.ConnectTimeout = timeout
	if change != nil {
		change(pool)
	}
	p, err := pgxpool.NewWithConfig(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	err = p.Ping(t.Context())
	if err == nil {
		t.Fatal("it connects")
	}
	return Diagnose(err)
}

// requires states what a diagnosis says, and that it is a line without the password.
func requires(t *testing.T, got string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(got, want) {
			t.Errorf("%q does not say %q", got, want)
		}
	}
	if strings.Contains(got, "\n") || strings.Contains(got, "geheim") {
		t.Errorf("%q", got)
	}
}

func TestRealServersRefuse(t *testing.T) {
	withoutLibpq(t)
	c := pgtest.Start(t, pgtest.Config{PgBouncer: true})
	for name, text := range map[string]string{"directly": c.Primary().DirectURL(), "through PgBouncer": c.Primary().URL()} {
		for _, tt := range []struct {
			behaviour string
			change    func(*pgxpool.Config)
			also      string // in the URL
			want      string
		}{
			{"a wrong password", func(p *pgxpool.Config) { p.ConnConfig.Password = "geheim" }, "", "password is wrong"},
			{"a user that does not exist", func(p *pgxpool.Config) { p.ConnConfig.User = "nobody" }, "", "password is wrong"},
			{"no such database", func(p *pgxpool.Config) { p.ConnConfig.Database = "nowhere" }, "", `database "nowhere", user "app": there is no such database`},
			{"a setting that is misspelt", nil, "&statment_timeout=5", "a setting in the URL"},
			{"TLS where there is none", nil, "&sslmode=require", "has no TLS"},
		} {
			t.Run(name+", "+tt.behaviour, func(t *testing.T) {
				requires(t, attempt(t, text+tt.also, connectTimeout, tt.change), "postgres at host 127.0.0.1, port ", tt.want)
			})
		}
	}
	t.Run("a primary where a replica is wanted", func(t *testing.T) {
		requires(t, attempt(t, c.Primary().DirectURL()+"&target_session_attrs=standby", connectTimeout, nil), "target_session_attrs")
	})
	t.Run("a right that is missing", func(t *testing.T) {
		p, err := pgxpool.New(t.Context(), c.Primary().DirectURL())
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		_, err = p.Exec(t.Context(), "select pg_promote()")
		requires(t, Diagnose(err), "lacks a right", "pg_promote")
	})
	t.Run("none while the server is stopped", func(t *testing.T) {
		if err := c.Primary().Stop(t.Context(), pgtest.Immediate); err != nil {
			t.Fatal(err)
		}
		requires(t, attempt(t, c.Primary().DirectURL(), connectTimeout, nil), "nobody listens")
		// PgBouncer lets its clients wait.
		requires(t, attempt(t, c.Primary().URL(), 200*time.Millisecond, nil), "PgBouncer", "server")
	})
}

func TestNobodyIsThere(t *testing.T) {
	withoutLibpq(t)
	closed := listen(t)
	closed.Close()
	silent := listen(t)
	web := httptest.NewServer(nil)
	t.Cleanup(web.Close)
	secure := httptest.NewUnstartedServer(nil)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	for _, tt := range []struct{ behaviour, text, want string }{
		{"nobody listens", "postgres://u:geheim@" + closed.Addr().String() + "/d", "nobody listens"},
		{"neither of two listens", fmt.Sprintf("postgres://u:geheim@%s,%[1]s/d", closed.Addr()), "nobody listens"},
		{"somebody is silent", "postgres://u:geheim@" + silent.Addr().String() + "/d", "connect_timeout 100ms"},
		{"somebody is silent without TLS", "postgres://u:geheim@" + silent.Addr().String() + "/d?sslmode=disable", "connect_timeout 100ms"},
		{"a web server", "postgres://u:geheim@" + web.Listener.Addr().String() + "/d", "something else listens there"},
		{"a web server with TLS", "postgres://u:geheim@" + secure.Listener.Addr().String() + "/d?sslmode=require&sslnegotiation=direct", "TLS fails"},
		{"no socket", "host=/nowhere user=u password=geheim", "no socket"},
	} {
		t.Run(tt.behaviour, func(t *testing.T) {
			requires(t, attempt(t, tt.text, 100*time.Millisecond, nil), tt.want)
		})
	}
}

func TestAHostIsUnknown(t *testing.T) {
	withoutLibpq(t)
	got := attempt(t, "postgres://u:geheim@nowhere.example/d", connectTimeout, func(p *pgxpool.Config) {
		p.ConnConfig.LookupFunc = (&net.Resolver{PreferGo: true, Dial: nameServer}).LookupHost
	})
	requires(t, got, "host nowhere.example, port 5432", "no host of that name")
}

// nameServer is one that knows no name. It answers a question as DNS over TCP does
// (RFC 1035, 4.2.2), with the question itself.
func nameServer(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		defer server.Close()
		message := make([]byte, 2)
		if _, err := io.ReadFull(server, message); err != nil {
			return
		}
		message = append(message, make([]byte, binary.BigEndian.Uint16(message))...)
		if _, err := io.ReadFull(server, message[2:]); err != nil {
			return
		}
		const response, noSuchName = 0x80, 3
		message[4] |= response
		message[5] = response | noSuchName // recursion is available
		server.Write(message)
	}()
	return client, nil
}
