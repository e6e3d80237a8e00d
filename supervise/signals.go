package supervise

import (
	"os"
	"os/signal"
	"syscall"
)

// Pass has the process get the signals that this program gets from now on, until stop
// is called. It must be called before them, not when they come. SIGTERM and SIGINT
// are better not passed on but made to end Run's ctx, which gives the app its grace
// period. Without signals it is SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 and SIGWINCH, as far
// as the system has them.
func (p *Process) Pass(signals ...os.Signal) (stop func()) {
	if len(signals) == 0 {
		signals = passed()
	}
	coming := make(chan os.Signal, 16)
	signal.Notify(coming, signals...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for sig := range coming {
			if s, ok := sig.(syscall.Signal); ok {
				p.Signal(s) // fails only where nothing runs
			}
		}
	}()
	return func() {
		signal.Stop(coming)
		close(coming)
		<-done
	}
}
