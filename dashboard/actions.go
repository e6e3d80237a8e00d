package dashboard

import (
	"context"
	"fmt"
	"time"

	"homing/dev"
	"homing/machine"
	"homing/region"
)

// Action is something that can be done to a region while its world runs. The page, the
// keys of a terminal and the subcommands have the same ones, from [Actions].
type Action struct {
	// Verb names it, in the page's paths and as a subcommand.
	Verb string
	// Short says in a line what it does.
	Short string
	// Key is pressed for it in a terminal. An action and its opposite share one: of a
	// target, only one of them makes sense at a time.
	Key byte
	// Machines says that it can be done to a single machine, too.
	Machines bool

	within time.Duration // how long it may take
	sense  func(w World, of dev.Status, m *dev.MachineStatus) bool
	do     func(ctx context.Context, w World, t Target) error
}

// Target is what an action is done to: a region, or one machine of it.
type Target struct {
	Region  region.Code
	Machine machine.ID // empty: the whole region
	Name    string     // as people call it: "gru", or "gru/2" for its second machine
}

const (
	// runTimeout bounds how long a machine may take to start or stop.
	runTimeout = 30 * time.Second
	// promoteTimeout bounds how long the primary may take to move.
	promoteTimeout = time.Minute
)

// Actions returns all there are, opposites behind each other.
func Actions() []Action {
	return []Action{
		{"stop", "Stop the machines of a region, or one of them", 's', true, runTimeout, runs, run(false)},
		{"start", "Start the machines of a region, or one of them", 's', true, runTimeout, rests, run(true)},
		{"cut", "Cut a region off from all others", 'c', false, runTimeout, joined, cut(true)},
		{"reconnect", "Let a region that was cut off reach the others", 'c', false, runTimeout, apart, cut(false)},
		{"hold", "Hold replication to a region back", 'r', false, runTimeout, follows, hold(true)},
		{"release", "Let replication to a region go on", 'r', false, runTimeout, held, hold(false)},
		{"promote", "Make the database of a region the primary", 'p', false, promoteTimeout, promotable, promote},
	}
}

// Do does it and returns when it is done, or why it cannot be. It gives up when ctx ends.
func (a Action) Do(ctx context.Context, w World, t Target) error {
	ctx, cancel := context.WithTimeout(ctx, a.within)
	defer cancel()
	return a.do(ctx, w, t)
}

// Choice is an action, and what it would change something of.
type Choice struct {
	Action
	Target
}

func (c Choice) String() string { return c.Verb + " " + c.Name }

// Choices returns what a key offers now, region by region.
func Choices(w World, key byte) []Choice {
	var all []Choice
	add := func(t Target, s dev.Status, m *dev.MachineStatus) {
		for _, a := range Actions() {
			if a.Key == key && (m == nil || a.Machines) && a.sense(w, s, m) {
				all = append(all, Choice{a, t})
			}
		}
	}
	for _, s := range w.Statuses() {
		add(Target{Region: s.Region, Name: string(s.Region)}, s, nil)
		if len(s.Machines) < 2 {
			continue
		}
		for i, m := range s.Machines {
			add(Target{s.Region, m.ID, fmt.Sprintf("%s/%d", s.Region, i+1)}, s, &m)
		}
	}
	return all
}

// runs reports whether a machine runs; of a region, whether any does.
func runs(_ World, s dev.Status, m *dev.MachineStatus) bool {
	if m != nil {
		return m.Running
	}
	return s.Running && len(s.Machines) > 0
}

func rests(_ World, s dev.Status, m *dev.MachineStatus) bool {
	if m != nil {
		return !m.Running
	}
	for _, m := range s.Machines {
		if !m.Running {
			return true
		}
	}
	return false
}

func joined(w World, s dev.Status, _ *dev.MachineStatus) bool {
	return !s.Cut && len(w.Statuses()) > 1
}

func apart(_ World, s dev.Status, _ *dev.MachineStatus) bool { return s.Cut }

func follows(_ World, s dev.Status, _ *dev.MachineStatus) bool {
	return !s.Held && !s.Primary && !s.NoDatabase
}

func held(_ World, s dev.Status, _ *dev.MachineStatus) bool { return s.Held }

func promotable(w World, s dev.Status, _ *dev.MachineStatus) bool {
	return w.CanPromote() && !s.Primary
}

func run(on bool) func(context.Context, World, Target) error {
	return func(ctx context.Context, w World, t Target) error {
		if t.Machine != "" {
			return w.RunMachine(ctx, t.Region, t.Machine, on)
		}
		return w.Run(ctx, t.Region, on)
	}
}

func cut(on bool) func(context.Context, World, Target) error {
	return func(_ context.Context, w World, t Target) error { return w.Cut(t.Region, on) }
}

func hold(on bool) func(context.Context, World, Target) error {
	return func(_ context.Context, w World, t Target) error { return w.Hold(t.Region, on) }
}

func promote(ctx context.Context, w World, t Target) error { return w.Promote(ctx, t.Region) }
