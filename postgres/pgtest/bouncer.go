package pgtest

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"syscall"
)

// bouncer is the PgBouncer in front of a server. It runs until the cluster ends,
// whatever becomes of the server.
type bouncer struct {
	port    int
	process *process
	version version
}

// startBouncer starts a PgBouncer in front of s, and waits until it listens.
func (s *Server) startBouncer(ctx context.Context) error {
	program, err := findPgBouncer()
	if err != nil {
		return err
	}
	b := &bouncer{}
	s.bouncer = b // so that it is stopped, ready or not
	if b.version, err = versionOf(ctx, program); err != nil {
		return err
	}
	b.port, err = onPort(ctx, 0, func(port int) error { return s.launchBouncer(ctx, b, program, port) })
	if err != nil {
		return fmt.Errorf("pgtest: starting the PgBouncer of %s: %w", s.name, err)
	}
	return nil
}

// stop ends what runs of it, if anything.
func (b *bouncer) stop(ctx context.Context) error {
	if b == nil || b.process == nil {
		return nil
	}
	return b.process.stop(ctx, syscall.SIGKILL)
}

func (s *Server) launchBouncer(ctx context.Context, b *bouncer, program string, port int) error {
	c := s.cluster
	users, config := filepath.Join(c.dir, s.name+".users"), filepath.Join(c.dir, s.name+".ini")
	if err := c.write(users, fmt.Sprintf("%q %q\n", c.app.name, c.app.password)); err != nil {
		return err
	}
	if err := c.write(config, b.config(port, s.port, users)); err != nil {
		return err
	}
	p, err := c.starter.start(command{
		as: c.as, dir: c.dir, program: program, args: []string{config}, atEnd: syscall.SIGKILL, // it has nothing to lose
	})
	if err != nil {
		return err
	}
	b.process = p
	// It says so when it listens; a connection might be somebody else's.
	return p.ready(ctx, func() bool { return strings.Contains(p.log.String(), "process up") })
}

// config is PgBouncer's. It logs in with the passwords that it asks for, and tries
// again soon where its server was away.
func (b *bouncer) config(port, server int, users string) string {
	text := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
pool_mode = transaction
query_wait_timeout = 5
auth_type = scram-sha-256
auth_file = %s
default_pool_size = 10
max_client_conn = 500
server_login_retry = 0.1
`, server, port, users)
	if b.keepsStatements() {
		text += "max_prepared_statements = 100\n"
	}
	return text
}

// keepsStatements reports whether a client may prepare statements although each
// transaction may get another connection.
func (b *bouncer) keepsStatements() bool { return b.version.atLeast(version{1, 21}) }

// parameters are those that pgx must find in a URL that leads through PgBouncer.
func (b *bouncer) parameters() url.Values {
	if b.keepsStatements() {
		return nil
	}
	return url.Values{"default_query_exec_mode": {"exec"}}
}
