package dev

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"homing/primary"
	"homing/region"
)

// site is the app in one region: its database, and the machines that use it.
type site struct {
	world    *World
	region   region.Code
	machines []*runner // never changes

	change sync.Mutex // held by what starts and stops

	mu     sync.Mutex // guards what follows
	db     Database   // nil: stopped, or the world has none
	closed bool       // for good
}

func newSite(w *World, r region.Code) *site {
	s := &site{world: w, region: r}
	add := func(o Outside, how serving) {
		if o.ID == "" {
			o.ID = newID()
		}
		s.machines = append(s.machines, newRunner(s, o.ID, len(s.machines)+1, how))
	}
	for _, o := range w.cfg.Outside {
		if o.Region == r {
			add(o, &outside{addr: o.Addr})
		}
	}
	for range w.cfg.started(r) {
		if w.cfg.App != nil {
			add(Outside{}, &handler{app: w.cfg.App})
		} else {
			add(Outside{}, &process{command: w.cfg.Process})
		}
	}
	return s
}

// database returns the region's database, nil while it is stopped.
func (s *site) database() Database {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.db
}

func (s *site) setDatabase(db Database) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.db = db
}

var errClosed = errors.New("the world has been closed")

// start starts the machines that do not run, and waits until they are up.
func (s *site) start(ctx context.Context) error {
	if err := s.launch(ctx); err != nil {
		return err
	}
	return s.await(ctx, s.machines)
}

// launch starts the database and the machines, those that do not run.
func (s *site) launch(ctx context.Context) error { return s.launchThese(ctx, s.machines) }

func (s *site) launchThese(ctx context.Context, machines []*runner) (err error) {
	s.change.Lock()
	defer s.change.Unlock()
	if s.isClosed() {
		return errClosed
	}
	ran := s.running()
	for _, m := range machines {
		if m.on() {
			continue
		}
		if err := s.open(ctx); err != nil {
			return s.notStarted(err)
		}
		if err := m.serving.start(m); err != nil {
			if !ran {
				err = errors.Join(err, s.shut())
			}
			return s.notStarted(err)
		}
	}
	return nil
}

func (s *site) notStarted(err error) error {
	return fmt.Errorf("start the machine in %s: %w", s.region, err)
}

// await waits until machines that were started are up.
func (s *site) await(ctx context.Context, machines []*runner) error {
	for _, m := range machines {
		if err := m.serving.up(ctx, m); err != nil {
			return s.notStarted(err)
		}
	}
	return nil
}

func (s *site) startMachine(ctx context.Context, m *runner) error {
	if err := s.launchThese(ctx, []*runner{m}); err != nil {
		return err
	}
	return s.await(ctx, []*runner{m})
}

// openDatabase opens the database alone; start does the rest.
func (s *site) openDatabase(ctx context.Context) error {
	s.change.Lock()
	defer s.change.Unlock()
	return s.open(ctx)
}

// open opens the database, unless it is open; change is held.
func (s *site) open(ctx context.Context) error {
	if s.isClosed() {
		return errClosed
	}
	if s.database() != nil {
		return nil
	}
	db, err := s.world.databases.open(ctx, s.region)
	if err != nil {
		return fmt.Errorf("open the database in %s: %w", s.region, err)
	}
	s.setDatabase(db)
	return nil
}

// stop stops the machines, and then the database.
func (s *site) stop() error {
	s.change.Lock()
	defer s.change.Unlock()
	return s.shut()
}

// stopMachine stops one; the database goes on.
func (s *site) stopMachine(m *runner) {
	s.change.Lock()
	defer s.change.Unlock()
	m.end()
}

// restart ends the machines that run, and starts those again.
func (s *site) restart(ctx context.Context) error { return s.resume(ctx, s.pause()) }

// pause ends the machines that run, and returns them.
func (s *site) pause() (ran []*runner) {
	s.change.Lock()
	defer s.change.Unlock()
	for _, m := range s.machines {
		if m.on() {
			ran = append(ran, m)
		}
	}
	end(ran)
	return ran
}

// resume starts machines that were paused, as they would be started now.
func (s *site) resume(ctx context.Context, machines []*runner) error {
	if err := s.launchThese(ctx, machines); err != nil {
		return err
	}
	return s.await(ctx, machines)
}

// offer gives the machines that run requests, or none.
func (s *site) offer(on bool) {
	s.change.Lock()
	defer s.change.Unlock()
	for _, m := range s.machines {
		var claim primary.Claim
		if _, here := m.serving.(*handler); on && here {
			claim = claimOf(s.database())
		}
		m.offer(on, claim)
	}
}

// quit stops the machines for good: a start that comes later, from a page that is
// still open, must not leave anything running.
func (s *site) quit() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.change.Lock()
	defer s.change.Unlock()
	s.endMachines()
}

// close stops everything for good.
func (s *site) close() error {
	s.quit()
	return s.stop()
}

func (s *site) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// shut ends what runs; change is held.
func (s *site) shut() error {
	s.endMachines()
	db := s.database()
	if db == nil {
		return nil
	}
	s.setDatabase(nil)
	return db.Close()
}

// endMachines ends all; change is held.
func (s *site) endMachines() { end(s.machines) }

// end ends machines at the same time: each may take a moment.
func end(machines []*runner) {
	var wait sync.WaitGroup
	for _, m := range machines {
		wait.Go(m.end)
	}
	wait.Wait()
}

// end stops the machine if it runs. It gets no requests any more before it ends.
func (m *runner) end() {
	if !m.on() {
		return
	}
	m.set(vital{on: true})
	m.serving.end()
	m.set(vital{})
}

// running reports whether any machine is to run, or while there is none, the database.
func (s *site) running() bool {
	for _, m := range s.machines {
		if m.on() {
			return true
		}
	}
	return len(s.machines) == 0 && s.database() != nil
}

func (s *site) statuses() []MachineStatus {
	var list []MachineStatus
	for _, m := range s.machines {
		now, _ := m.state()
		list = append(list, MachineStatus{ID: m.id, Addr: m.lastAddr(), Running: now.on, Ready: now.ready, Problem: now.problem, Checks: m.findings()})
	}
	return list
}

// problem says in one line what is wrong with the machines; empty: nothing.
func (s *site) problem() string {
	if len(s.machines) == 0 {
		return "there is no machine here; requests go to the nearest one"
	}
	if !s.running() {
		return "the machine is stopped"
	}
	var problems []string
	for _, m := range s.machines {
		problem := ""
		switch now, _ := m.state(); {
		case now.problem != "":
			problem = now.problem
		case !now.on:
			problem = "stopped"
		default:
			continue
		}
		if len(s.machines) > 1 {
			problem = "machine " + string(m.id) + ": " + problem
		}
		problems = append(problems, problem)
	}
	return strings.Join(problems, "; ")
}
