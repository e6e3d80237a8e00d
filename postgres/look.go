package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"homing/machine"
	"homing/position"
)

// look is what one look at a server finds.
type look struct {
	role  machine.Role
	epoch position.Epoch
	at    position.Position
	lag   position.Lag

	system    string // the cluster's identifier; empty: not known
	version   int    // as in server_version_num
	identity  string // differs between servers, and when one starts anew
	streaming bool   // a replica that receives
	waitable  bool   // a replica that can be waited at, see sentry
	blind     error  // why the server does not tell its position; nil: it does
	problem   string // what keeps it from being used; empty: nothing

	pulse pulse     // where there is a heartbeat
	mend  slog.Attr // what to run for one
}

// facts are what a look says of the server itself.
func (l *look) facts() facts {
	addr, _, _ := strings.Cut(l.identity, " ")
	return facts{InRecovery: l.role == machine.Replica, SystemID: l.system, Version: l.version, ServerAddr: addr}
}

// placeSQL is how far a server has got: what it has replayed as a replica, what it has
// flushed as a primary. Where commits do not wait for the flush only what was inserted
// covers them.
const placeSQL = `case
	when pg_is_in_recovery() then pg_last_wal_replay_lsn()
	when current_setting('synchronous_commit') = 'off' then pg_current_wal_insert_lsn()
	else pg_current_wal_flush_lsn() end`

// glanceSQL is what is asked while somebody waits: as little as possible.
const glanceSQL = `select pg_is_in_recovery(), ` + placeSQL + `::text, current_setting('synchronous_commit') = 'off'`

// lookSQL is what is asked once a second. Any user may ask all of it. A replica's
// timeline is that of its control file, which may be behind and is never ahead.
const lookSQL = `select pg_is_in_recovery(), ` + placeSQL + `::text, current_setting('synchronous_commit') = 'off',
	(select system_identifier from pg_control_system())::text,
	case when pg_is_in_recovery()
		then (select greatest(c.timeline_id, r.min_recovery_end_timeline) from pg_control_checkpoint() c, pg_control_recovery() r)
		else ('x' || left(pg_walfile_name(pg_current_wal_flush_lsn()), 8))::bit(32)::int end,
	coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint,
	coalesce(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 0)::float8,
	exists (select from pg_stat_wal_receiver where pid is not null),
	pg_backend_pid(),
	` + identitySQL

// identitySQL tells servers behind one address apart.
const identitySQL = `coalesce(host(inet_server_addr()), '') || ':' || coalesce(inet_server_port(), 0) || ' ' || pg_postmaster_start_time(),
	current_setting('server_version_num')::int`

// blindSQL is asked of servers that do not tell their position.
const blindSQL = `select pg_is_in_recovery(), ` + identitySQL

// lookAt looks at a server. One without positions is no error.
func lookAt(ctx context.Context, conn *pgx.Conn) (look, error) {
	var l look
	var recovering, unsynced bool
	var place *string
	var timeline, backend int32
	var bytes int64
	var seconds float64
	err := conn.QueryRow(ctx, lookSQL, pgx.QueryExecModeSimpleProtocol).Scan(
		&recovering, &place, &unsynced, &l.system, &timeline, &bytes, &seconds, &l.streaming, &backend, &l.identity, &l.version)
	if isBlind(err) {
		return lookBlindly(ctx, conn, err)
	}
	if err != nil {
		return look{}, err
	}
	l.role = roleOf(recovering)
	// PgBouncer gives clients numbers of its own. Whoever waited there would keep one of
	// its few connections from others.
	l.waitable = recovering && l.version >= waitVersion && conn.PgConn().PID() == uint32(backend)
	l.epoch = position.Epoch(l.system + ":" + strconv.Itoa(int(timeline)))
	at, err := placeOf(place, unsynced && !recovering)
	l.at = at.position()
	if recovering {
		l.lag = position.Lag{Known: true, Bytes: max(0, bytes)}
		if bytes > 0 {
			l.lag.Behind = time.Duration(seconds * float64(time.Second))
		}
	}
	return l, err
}

// glance asks only for what a wait needs.
func glance(ctx context.Context, conn *pgx.Conn) (machine.Role, lsn, error) {
	var recovering, unsynced bool
	var place *string
	err := conn.QueryRow(ctx, glanceSQL, pgx.QueryExecModeSimpleProtocol).Scan(&recovering, &place, &unsynced)
	if err != nil {
		return machine.None, 0, err
	}
	at, err := placeOf(place, unsynced && !recovering)
	return roleOf(recovering), at, err
}

func lookBlindly(ctx context.Context, conn *pgx.Conn, why error) (look, error) {
	l := look{blind: fmt.Errorf("the server does not tell its position (%s); HOMING_HEARTBEAT names a table that can tell it: %w", code(why), errors.ErrUnsupported)}
	var recovering bool
	err := conn.QueryRow(ctx, blindSQL, pgx.QueryExecModeSimpleProtocol).Scan(&recovering, &l.identity, &l.version)
	l.role = roleOf(recovering)
	return l, err
}

// isBlind reports whether a server refuses to tell its position: it has no such
// function (Aurora), or this user may not call it.
func isBlind(err error) bool {
	switch code(err) {
	case "0A000", "42883", "42501":
		return true
	}
	return false
}

// code returns an error's SQLSTATE.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

func roleOf(recovering bool) machine.Role {
	if recovering {
		return machine.Replica
	}
	return machine.Primary
}

// placeOf reads a position; a replica that has replayed nothing is at none.
func placeOf(text *string, inserted bool) (lsn, error) {
	if text == nil {
		return 0, nil
	}
	at, err := parseLSN(*text)
	if inserted {
		at = at.begun()
	}
	return at, err
}
