package relay

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"homing/postgres/pgtest"
)

// certify makes a certificate for 127.0.0.1 that is its own authority.
func certify(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pgtest"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// secure switches TLS on at a server, which writes the files itself: its user alone
// may read them. It returns the certificate's file.
func secure(t *testing.T, s *pgtest.Server) (rootcert string) {
	t.Helper()
	cert, key := certify(t)
	write := func(file, text string) string {
		return fmt.Sprintf("copy (select unnest(string_to_array('%s', e'\\n'))) to program 'umask 077; cat > %s'", text, file)
	}
	if err := s.Exec(t.Context(), write("server.crt", cert), write("server.key", key), "alter system set ssl = on", "select pg_reload_conf()"); err != nil {
		t.Fatal(err)
	}
	rootcert = filepath.Join(t.TempDir(), "root.crt")
	if err := os.WriteFile(rootcert, []byte(cert), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server speaks TLS", func() bool {
		conn, err := pgx.Connect(t.Context(), strings.Replace(s.DirectURL(), "sslmode=disable", "sslmode=require", 1))
		if err != nil {
			return false
		}
		conn.Close(t.Context())
		return true
	})
	return rootcert
}

func TestTLSToTheServer(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t, pgtest.Config{}).Primary()
	rootcert := secure(t, s)
	stranger := filepath.Join(t.TempDir(), "stranger.crt")
	cert, _ := certify(t)
	if err := os.WriteFile(stranger, []byte(cert), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[string]string{
		"disable": "f", "prefer": "t", "require": "t",
		"verify-full&sslrootcert=" + rootcert: "t",
		"verify-full&sslrootcert=" + stranger: "signed by nobody that is known here",
	} {
		t.Run(mode, func(t *testing.T) {
			of := strings.Replace(s.DirectURL(), "sslmode=disable", "sslmode="+mode, 1)
			r := start(t, of, Config{})
			out, err := psql(t.Context(), r.url(t, of), nil, "create temp table x (y int)", "select ssl from pg_stat_ssl where pid = pg_backend_pid()")
			if (err == nil) != (len(want) == 1) || !strings.Contains(out, want) {
				t.Errorf("got %q, %v, want %q", out, err, want)
			}
			if err == nil {
				r.wantMarks(t, "wrote")
			}
		})
	}
	t.Run("cancellation", func(t *testing.T) {
		of := strings.Replace(s.DirectURL(), "sslmode=disable", "sslmode=require", 1)
		r := start(t, of, Config{})
		conn, admin := connect(t, r.url(t, of)), connect(t, s.AdminURL())
		done := make(chan error, 1)
		go func() { done <- run("select pg_sleep(60)", pgx.QueryExecModeSimpleProtocol)(t.Context(), conn) }()
		eventually(t, "the statement runs", func() (yes bool) {
			err := admin.QueryRow(t.Context(), "select exists (select from pg_stat_activity where query ~ '^select pg_sleep' and state = 'active')").Scan(&yes)
			return err == nil && yes
		})
		if err := conn.PgConn().CancelRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err == nil {
			t.Error("the statement was not cancelled")
		}
	})
}

// TestAnAppThatWantsTLS gets what its sslmode allows, and the log says why if nothing.
func TestAnAppThatWantsTLS(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	var lines journal
	r := start(t, s.DirectURL(), Config{Logger: slog.New(slog.NewTextHandler(&lines, nil))})
	address := r.url(t, s.DirectURL())
	if out, err := psql(t.Context(), strings.Replace(address, "sslmode=disable", "sslmode=prefer&gssencmode=prefer", 1), nil, "select 1"); err != nil || out != "1" {
		t.Errorf("with sslmode=prefer: %q, %v", out, err)
	}
	if got := lines.String(); got != "" {
		t.Errorf("the log says %q", got)
	}
	if out, err := psql(t.Context(), strings.Replace(address, "sslmode=disable", "sslmode=require", 1), nil, "select 1"); err == nil || !strings.Contains(out, "SSL") {
		t.Errorf("with sslmode=require: %q, %v", out, err)
	}
	eventually(t, "the log says why", func() bool { return strings.Contains(lines.String(), errInsists.Error()) })
	if _, err := tls.Dial("tcp", r.Addr().String(), &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("a handshake at once succeeded")
	}
	eventually(t, "the log says why", func() bool { return strings.Contains(lines.String(), errDirectTLS.Error()) })
}

// journal is a log that may be read while it is written.
type journal struct {
	mu   sync.Mutex
	text strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}
