package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"

	"homing/dev"
	"homing/dev/command"
	"homing/flytoml"
	"homing/supervise"
)

// process says how a command runs on a machine.
func (a *app) process(c command.Command, m dev.Machine) (supervise.Config, error) {
	p, err := a.place(m)
	if err != nil {
		return supervise.Config{}, err
	}
	return a.processAt(p, c, m, p.values)
}

// processAt has values for the placeholders of the command.
func (a *app) processAt(p place, c command.Command, m dev.Machine, values supervise.Values) (cfg supervise.Config, err error) {
	cfg = supervise.Config{
		Dir: a.cfg.Dir, Env: a.environ(m, p), Signal: a.killSignal(), Grace: a.cfg.file().KillTimeout,
		Output: func(l supervise.Line) { a.out.line(p.name, l.Text) },
		OnExit: func(e supervise.Exit) {
			if !e.Asked {
				a.out.line(p.name, "ended: "+e.String())
			}
		},
	}
	for _, arg := range c.Args {
		cfg.Args = append(cfg.Args, values.Expand(arg))
	}
	if len(c.Args) == 0 {
		if cfg.Shell, err = values.ExpandShell(c.Shell); err != nil {
			return cfg, err
		}
	}
	return cfg, nil
}

// killSignal is what fly.toml ends machines with; on Fly that is SIGINT if it does not
// say.
func (a *app) killSignal() syscall.Signal {
	switch a.cfg.file().KillSignal {
	case "SIGINT":
		return syscall.SIGINT
	case "SIGQUIT":
		return syscall.SIGQUIT
	case "SIGHUP":
		return syscall.SIGHUP
	case "SIGKILL":
		return syscall.SIGKILL
	}
	return syscall.SIGTERM
}

// release runs the release command, as Fly does before new machines.
func (a *app) release(ctx context.Context, m dev.Machine) error {
	deploy := a.cfg.file().Deploy
	if len(deploy.Release.Args) == 0 || a.cfg.NoRelease {
		return nil
	}
	cfg, err := a.behindSidecar(command.Command{Args: deploy.Release.Args}, m)
	if err != nil {
		return err
	}
	cfg.OnExit, cfg.Env = nil, append(cfg.Env, "RELEASE_COMMAND=1") // as Fly tells it
	p, err := supervise.New(cfg)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, deploy.ReleaseTimeout)
	defer cancel()
	exit, err := p.RunOnce(limited)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case limited.Err() != nil:
		err = fmt.Errorf("it took longer than %v", deploy.ReleaseTimeout)
	case err != nil || exit.Code != 0:
		err = errors.New(exit.String())
	}
	if err != nil {
		return fmt.Errorf("the release command %q of fly.toml: %w; --no-release leaves it out", deploy.Release.Text, err)
	}
	return nil
}

// workers are the process groups that take no requests: those beside the web, and
// those of fly.toml without a service. The latter come from the image, with the sidecar
// that it has; the former may be compilers.
func (a *app) workers() []dev.Worker {
	var all []dev.Worker
	add := func(name string, run func(dev.Machine) (supervise.Config, error)) {
		if !slices.ContainsFunc(all, func(w dev.Worker) bool { return w.Group == name }) {
			all = append(all, dev.Worker{Group: name, Process: run})
		}
	}
	for _, o := range a.cfg.Found.Others {
		add(o.Name, func(m dev.Machine) (supervise.Config, error) { return a.process(o.Command, m) })
	}
	if a.cfg.File == nil || a.cfg.Found.Web.String() == "" {
		return all
	}
	for _, p := range a.cfg.File.Processes {
		if len(p.Command.Args) > 0 && p.Group != a.group() && !served(a.cfg.File, p.Group) {
			add(p.Group, func(m dev.Machine) (supervise.Config, error) {
				return a.behindSidecar(command.Command{Args: p.Command.Args}, m)
			})
		}
	}
	return all
}

func served(f *flytoml.File, group string) bool {
	return slices.ContainsFunc(f.Services, func(s flytoml.Service) bool { return slices.Contains(s.Groups, group) })
}

// group is the one that takes requests.
func (a *app) group() string {
	if a.cfg.File == nil {
		return "app"
	}
	if s, ok := a.cfg.File.HTTPService(); ok && len(s.Groups) > 0 {
		return s.Groups[0]
	}
	return a.cfg.File.DefaultGroup()
}
