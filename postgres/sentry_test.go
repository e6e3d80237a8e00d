package postgres

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"homing/machine"
)

func TestWhatASentryBringsBack(t *testing.T) {
	const here = "10.0.0.1:5432 2026-01-01"
	nobody, err := pgxpool.ParseConfig("postgres://app@127.0.0.1:1/app")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name       string
		from       sight
		ok, failed bool
	}{
		{"a look at the server", sight{stood: true, role: machine.Replica, at: 7, identity: here}, true, false},
		{"only its connection", sight{}, false, false},
		{"no connection", sight{err: errors.New("refused")}, false, true},
		{"an error of the server", sight{stood: true, identity: here, err: errors.New("syntax error")}, false, true},
		{"a look at another server", sight{stood: true, at: 7, identity: "10.0.0.2:5432 2026-01-01"}, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSentry()
			s.away = true
			if ok := s.returned(tt.from, here); ok != tt.ok || s.failed != tt.failed || s.away {
				t.Errorf("it counts: %v; %+v", ok, s)
			}
			s.send(t.Context(), newEye(nobody, nil), 9)
			if s.away == tt.failed {
				t.Errorf("it was sent again: %v", s.away)
			}
			s.leave()
			s.away = false
			if s.review(); s.failed {
				t.Error("it never tries again")
			}
		})
	}
}

// TestAPositionThatASentryServes: not one before that for which it stands, and none
// once it is late.
func TestAPositionThatASentryServes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSentry()
		if s.stands(5) {
			t.Error("it stands before it was sent")
		}
		s.want, s.until = 5, time.Now().Add(errand)
		if s.stands(4) || !s.stands(5) || !s.stands(6) {
			t.Errorf("standing for 5 it serves 4: %v, 5: %v, 6: %v", s.stands(4), s.stands(5), s.stands(6))
		}
		time.Sleep(errand)
		if s.stands(5) {
			t.Error("it is late, and waited for still")
		}
	})
}
