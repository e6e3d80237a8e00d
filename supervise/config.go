package supervise

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// Config says what to run, and how. Either Args or Shell is required.
type Config struct {
	// Args are the program and its arguments, without a shell. A program with a slash
	// in its name is looked for from Dir, another one in the PATH of Env.
	Args []string
	// Shell is text for sh. If it is one plain command, the shell makes way for it.
	Shell string
	// Dir is the folder to run in. Empty: the current one.
	Dir string
	// Env is the environment as "NAME=value"; the last of a name counts. nil: that of
	// this process.
	Env []string
	// Port is where the app shall listen on loopback. It is told as PORT, whatever
	// Env says. 0: the app counts as up when it has started.
	Port uint16
	// Signal is what stops the process, and then what is left of its group. SIGINT goes
	// to all at once, as from a terminal. Default SIGTERM.
	Signal syscall.Signal
	// Grace is how long all may take to end after Signal, before they are killed.
	// Default 10 s.
	Grace time.Duration
	// Output gets each line of output, one after the other. When it is slow, lines are
	// kept up to 1 MiB and then dropped, which a line tells; the app never waits for
	// it. Run waits until it has had the last one, so it must return. nil: nobody.
	Output func(Line)
	// OnExit is called after each end of the process, and for each start that failed.
	// The next start waits for it. nil: nobody.
	OnExit func(Exit)
}

// Defaults of a Config.
const (
	DefaultSignal = syscall.SIGTERM
	DefaultGrace  = 10 * time.Second
)

func (c Config) withDefaults() Config {
	if c.Signal == 0 {
		c.Signal = DefaultSignal
	}
	if c.Grace <= 0 {
		c.Grace = DefaultGrace
	}
	if c.Output == nil {
		c.Output = func(Line) {}
	}
	if c.OnExit == nil {
		c.OnExit = func(Exit) {}
	}
	if c.Env == nil {
		c.Env = os.Environ()
	}
	if c.Port != 0 {
		c.Env = append(slices.Clone(c.Env), "PORT="+strconv.Itoa(int(c.Port)))
	}
	return c
}

func (c Config) validate() error {
	switch {
	case len(c.Args) == 0 && blank(c.Shell):
		return errors.New("supervise: no command; set Args or Shell")
	case len(c.Args) > 0 && c.Shell != "":
		return errors.New("supervise: two commands; set either Args or Shell")
	case len(c.Args) > 0 && c.Args[0] == "":
		return errors.New("supervise: the program's name is empty; Args begins with it")
	}
	return nil
}
