package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"

	"homing/machine"
	"homing/position"
)

// HeartbeatSQL makes the table that [Config.Heartbeat] names, of one row. Run it once at
// the primary, as the app's user or with the grant in its last line, and again as often
// as you like; nothing here runs it. For another name, change it throughout.
const HeartbeatSQL = `create table if not exists homing_heartbeat (
	one     boolean primary key default true check (one),
	history text    not null default gen_random_uuid()::text,
	epoch   bigint  not null default 1,
	server  bigint  not null default 0,
	beat    bigint  not null default 0
) with (fillfactor = 20);
insert into homing_heartbeat default values on conflict do nothing;
-- grant select, update on homing_heartbeat to the_user_of_the_app;
`

// tableOfSQL is the table's name there.
const tableOfSQL = "homing_heartbeat"

// heartbeat reads and advances the table. Replay shows commits in their order, so who
// sees a beat sees every commit that ended before the beat began.
type heartbeat struct {
	table string // as SQL has it

	lookSQL, glanceSQL, beatSQL, renewSQL string
}

// startedSQL names a server's run. Any user may ask it, and it does not depend on how
// the server was reached, as its address does.
const startedSQL = `(extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint`

// newHeartbeat returns nil for no name.
func newHeartbeat(name string) *heartbeat {
	if name == "" {
		return nil
	}
	table := pgx.Identifier(strings.Split(name, ".")).Sanitize()
	return &heartbeat{
		table: table,
		lookSQL: `select pg_is_in_recovery(), history::text, epoch::bigint, beat::bigint, server::bigint, ` + startedSQL +
			`, has_table_privilege(tableoid, 'update') from ` + table,
		glanceSQL: `select pg_is_in_recovery(), beat::bigint, server::bigint from ` + table,
		beatSQL:   commit(`update ` + table + ` set beat = beat + 1, server = ` + startedSQL + ` returning beat, server`),
		renewSQL:  commit(`update ` + table + ` set epoch = epoch + 1, server = ` + startedSQL + ` where epoch = %d returning beat, server`),
	}
}

// commit makes a transaction of a statement. Those who change the row at the same time
// wait for each other, which stricter isolation would make an error. The row need not
// outlive the server, so no standby has to confirm it; but it is flushed, since what is
// not flushed is not sent to replicas.
func commit(statement string) string {
	return `begin isolation level read committed; set local synchronous_commit = local; ` + statement + `; commit`
}

// pulse is what the table says.
type pulse struct {
	history string
	epoch   int64
	last    beat
	run     int64 // of the server that was asked
}

// feel completes a look at a server by what its table says. A table that cannot be used
// is no error: then there are no positions.
func (h *heartbeat) feel(ctx context.Context, conn *pgx.Conn, l *look) error {
	var recovering, writable bool
	var p pulse
	err := conn.QueryRow(ctx, h.lookSQL, pgx.QueryExecModeSimpleProtocol).Scan(
		&recovering, &p.history, &p.epoch, &p.last.n, &p.last.server, &p.run, &writable)
	switch {
	case isUnusable(err):
		h.cannot(l, err)
		return nil
	case err != nil:
		return err
	}
	l.blind, l.mend = nil, slog.Attr{}
	l.role, l.pulse, l.at = roleOf(recovering), p, p.last.position()
	l.epoch = position.Epoch(fmt.Sprintf("%s:%d", p.history, p.epoch))
	if l.role == machine.Primary && !writable {
		h.cannot(l, errors.New("the app's user may not update it"))
	}
	return nil
}

func (h *heartbeat) cannot(l *look, why error) {
	l.blind = fmt.Errorf("the heartbeat table %s cannot be used (%v): %w", h.table, why, errors.ErrUnsupported)
	l.mend = slog.String("run", strings.ReplaceAll(HeartbeatSQL, tableOfSQL, h.table))
	l.epoch = ""
}

// isUnusable reports whether there is no such table, row or right. Class 42 is what a
// statement names and may not or cannot have; 3F000, a schema that does not exist.
func isUnusable(err error) bool {
	state := code(err)
	return errors.Is(err, pgx.ErrNoRows) || strings.HasPrefix(state, "42") || state == "3F000"
}

// glance asks only for what a wait needs.
func (h *heartbeat) glance(ctx context.Context, conn *pgx.Conn) (machine.Role, position.Position, error) {
	var recovering bool
	var b beat
	err := conn.QueryRow(ctx, h.glanceSQL, pgx.QueryExecModeSimpleProtocol).Scan(&recovering, &b.n, &b.server)
	return roleOf(recovering), b.position(), err
}

// beat makes one, which covers every commit that ended before the call.
func (h *heartbeat) beat(ctx context.Context, conn *pgx.Conn) (position.Position, error) {
	row, err := change(ctx, conn, h.beatSQL)
	if err == nil && row == nil {
		err = fmt.Errorf("postgres: the heartbeat table %s has no row", h.table)
	}
	if err != nil {
		return "", err
	}
	p := position.Position(string(row[0]) + "@" + string(row[1]))
	return p, check(p)
}

// renew begins the epoch after the one that is named, unless somebody has.
func (h *heartbeat) renew(ctx context.Context, conn *pgx.Conn, epoch int64) error {
	_, err := change(ctx, conn, fmt.Sprintf(h.renewSQL, epoch))
	return err
}

// change runs what commit made, and returns the row that it changed, if any.
func change(ctx context.Context, conn *pgx.Conn, sql string) (row [][]byte, err error) {
	results, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	for _, r := range results {
		if len(r.Rows) > 0 {
			row = r.Rows[0]
		}
	}
	if err != nil && !conn.IsClosed() {
		_, undone := conn.PgConn().Exec(ctx, "rollback").ReadAll()
		err = errors.Join(err, undone)
	}
	return row, err
}

// isPromoted reports whether a server that is the primary now was promoted since before,
// when the address led to a replica. It was if it is the very server that was a replica.
// One that was started meanwhile, as Aurora does, was if it has not beaten yet: else the
// address only leads elsewhere now, as Aurora's for readers does where none is left.
func (p pulse) isPromoted(before pulse) bool {
	return before.history == p.history && before.epoch == p.epoch && (before.run == p.run || p.last.server != p.run)
}

// succeed begins a new epoch where the server here was promoted. What was promoted while
// nobody looked keeps its epoch: no table tells a new primary from one that was
// restarted, and an old one that comes back must never pass for the newer.
func (w *watch) succeed(ctx context.Context, l *look) error {
	h := w.db.eye.heart
	switch {
	case h == nil || l.blind != nil:
		return nil
	case l.role == machine.Replica:
		w.followed = l.pulse
		return nil
	case !l.pulse.isPromoted(w.followed):
		return nil
	}
	if err := h.renew(ctx, w.conn, l.pulse.epoch); err != nil {
		if !w.unrenewed {
			w.db.log.Warn("postgres: the database here was promoted, and its heartbeat table cannot say so; it will be tried again", "err", err)
		}
		w.unrenewed = true
		return nil // an epoch too old is better than no primary
	}
	w.unrenewed = false
	return h.feel(ctx, w.conn, l)
}
