package sqlite

import (
	"context"
	"errors"
	"testing"

	"homing/position"
	"homing/position/positiontest"
)

func TestPositions(t *testing.T) {
	positiontest.Run(t, func(t *testing.T) positiontest.Cluster {
		w := newWorld(t)
		return positiontest.Cluster{
			Primary: w.primary,
			Replica: w.replica,
			Write: func(ctx context.Context) error {
				_, err := w.primary.SQL().ExecContext(ctx, "INSERT INTO notes (text) VALUES ('a note')")
				return err
			},
			Count: func(ctx context.Context) (n int, err error) {
				err = w.replica.SQL().QueryRowContext(ctx, "SELECT count(*) FROM notes").Scan(&n)
				return n, err
			},
			Hold:     w.gate.hold,
			Release:  w.gate.release,
			Unissued: "00000000ffffffff",
			Malformed: []position.Position{
				"0", "x", "00000000FFFFFFFF", "000000000000000g", "00000000000000001", " 00000000000000a", "0/16B3748", "\x00",
			},
			Waiting: func() int { return w.replica.Status().Waiting },
		}
	})
}

func TestTXIDText(t *testing.T) {
	for _, n := range []uint64{0, 1, 15, 16, 1<<63 + 5, ^uint64(0)} {
		p := formatTXID(n)
		got, err := parseTXID(string(p))
		if err != nil || got != n {
			t.Errorf("%d is written %q and read %d, %v", n, p, got, err)
		}
	}
	if !covers(formatTXID(16), formatTXID(15)) || covers(formatTXID(15), formatTXID(16)) || !covers(formatTXID(9), formatTXID(9)) {
		t.Error("the order of the texts is not that of the numbers")
	}
	if covers("", formatTXID(0)) {
		t.Error("a replica without data covers a position")
	}
}

func TestAPositionOfAnotherEngineSaysSo(t *testing.T) {
	w := newWorld(t)
	if err := w.replica.Wait(soon(t), "0/16B3748"); !errors.Is(err, ErrPosition) {
		t.Errorf("Wait for a Postgres position: %v, want ErrPosition", err)
	}
}
