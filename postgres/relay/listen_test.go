package relay

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestAFolderForTheSocket(t *testing.T) {
	t.Parallel()
	s := needShared(t).Primary()
	dir, err := os.MkdirTemp("/tmp", "relay-") // a socket's name is short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	left, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, ".s.PGSQL.5432")})
	if err != nil {
		t.Fatal(err)
	}
	left.SetUnlinkOnClose(false) // as of a process that was killed
	left.Close()

	r := start(t, s.DirectURL(), Config{Listen: dir})
	if out, err := psql(t.Context(), r.url(t, s.DirectURL()), nil, "select 1"); err != nil || out != "1" {
		t.Errorf("psql: %q, %v", out, err)
	}
	if err := run("select 1")(t.Context(), connect(t, r.url(t, s.DirectURL()))); err != nil {
		t.Errorf("pgx: %v", err)
	}
	cfg := r.cfg
	if second, err := Listen(cfg); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second relay at the same place: %v, %v", second, err)
	}
}

func TestWhatListenRefuses(t *testing.T) {
	parse := func(of string) *pgconn.Config {
		cfg, err := pgconn.ParseConfig(of)
		if err != nil {
			t.Fatal(err)
		}
		return cfg
	}
	tell := func(Event) {}
	for want, cfg := range map[string]Config{
		"Config.Server is not set":                     {Tell: tell},
		"Config.Tell is not set":                       {Server: parse("host=db")},
		"several hosts and target_session_attrs":       {Server: parse("host=a,b target_session_attrs=primary"), Tell: tell},
		"where it listens: listen tcp: lookup nowhere": {Server: parse("host=db"), Tell: tell, Listen: "nowhere.invalid:1"},
	} {
		if r, err := Listen(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v; want an error with %q", r, err, want)
		}
	}
	r, err := Listen(Config{Server: parse("host=a sslmode=prefer target_session_attrs=primary"), Tell: tell})
	if err != nil {
		t.Fatalf("one host, with and without TLS: %v", err)
	}
	r.Close()
}
