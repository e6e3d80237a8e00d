package dev

import (
	"context"
	"slices"
	"sync"

	"homing/health"
)

// Shown is a check whose outcome is shown with each machine, and decides nothing.
type Shown struct {
	Name string
	health.Check
	// Unasked says why it is not asked here; empty: it is.
	Unasked string
}

// CheckStatus is what a check of [Config.Shown] has found on a machine.
type CheckStatus struct {
	Name string
	// Finding is not Known until it was asked. Where it never is, Problem says why.
	health.Finding
}

// unseen is what is known before a machine was asked.
func unseen(shown []Shown) []CheckStatus {
	var all []CheckStatus
	for _, s := range shown {
		all = append(all, CheckStatus{s.Name, health.Finding{Problem: s.Unasked}})
	}
	return all
}

// follow asks the machine at addr what is shown of it, until the returned function is
// called. Then nothing is known any more.
func (m *runner) follow(ctx context.Context, addr string) (end func()) {
	var asked []health.Check
	var at []int // in what is shown
	for i, s := range m.site.world.cfg.Shown {
		if s.Unasked == "" {
			asked, at = append(asked, s.Check), append(at, i)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wait sync.WaitGroup
	wait.Go(func() {
		health.Follow(ctx, addr, asked, func(i int, f health.Finding) { m.found(at[i], f) })
	})
	return func() {
		cancel()
		wait.Wait()
		m.forget()
	}
}

func (m *runner) found(i int, f health.Finding) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checks[i].Finding = f
}

func (m *runner) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.checks = unseen(m.site.world.cfg.Shown)
}

// findings are the machine's checks as they were found last.
func (m *runner) findings() []CheckStatus {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.checks)
}
