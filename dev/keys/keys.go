package keys

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"homing/dashboard"
)

// Config says what is steered, and from where. All but Terminal and Page are required.
type Config struct {
	// Terminal is from [Open]. nil: nothing is read.
	Terminal *Terminal
	World    dashboard.World
	// Out gets what there is to say, in whole lines, from several goroutines.
	Out io.Writer
	// Page is the address of the world's page, for the help. Empty: it has none.
	Page string
	// Quit is called when the user wants to end it all. It must return.
	Quit func()
}

// Hint tells of the keys, for what is printed at the start; empty where there are none.
func (t *Terminal) Hint() string {
	if t == nil {
		return ""
	}
	return "Press h for keys. "
}

// lookEvery is how often it is looked for keys: too often to be noticed, and a system
// call or three each time.
const lookEvery = 50 * time.Millisecond

// Run reads keys until ctx ends. When it returns, the terminal is as it was before, and
// nothing that a key has begun goes on.
func Run(ctx context.Context, cfg Config) {
	if cfg.Terminal == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	var begun sync.WaitGroup
	defer begun.Wait()
	defer cancel()
	m := &menu{world: cfg.World, page: cfg.Page, say: func(text string) { _, _ = io.WriteString(cfg.Out, text) }, quit: cfg.Quit}
	m.do = func(c dashboard.Choice) { begun.Go(func() { m.carryOut(ctx, c) }) }
	m.stop = func() {
		cfg.Terminal.giveBack()
		stop(ctx)
	}
	follow(ctx, cfg.Terminal, m.press)
}

// follow hands what is typed to press, while the terminal is ours.
func follow(ctx context.Context, t *Terminal, press func([]byte)) {
	ending := make(chan os.Signal, 1)
	listen(ending)
	defer signal.Stop(ending)
	defer t.giveBack()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	typed := make([]byte, 256)
	for {
		select {
		case <-ctx.Done():
			return
		case sig := <-ending:
			t.giveBack()
			endBy(sig)
		case <-tick.C:
			n, err := t.read(typed)
			if err != nil {
				return // the terminal is closed
			}
			if n > 0 {
				press(typed[:n])
			}
		}
	}
}
