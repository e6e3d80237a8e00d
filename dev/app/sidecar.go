package app

import (
	"maps"
	"slices"

	"homing/dev"
	"homing/dev/command"
	"homing/supervise"
)

// web says how a machine's copy of the app runs.
func (a *app) web(m dev.Machine) (supervise.Config, error) {
	return a.behindSidecar(a.ownCommand(), m)
}

// sidecar are the words before the app's command that have a sidecar around it: those of
// its image, or of ours where one is wanted. None: there is none.
func (a *app) sidecar() []string {
	if words, _ := split(a.cfg.Found.Web.Args); words != nil {
		return append([]string{a.cfg.Homing}, words[1:]...)
	}
	if a.cfg.Sidecar {
		return []string{a.cfg.Homing, "sidecar", "--"}
	}
	return nil
}

// ownCommand is the app's command without a sidecar.
func (a *app) ownCommand() command.Command {
	web := a.cfg.Found.Web
	if words, own := split(web.Args); words != nil {
		web.Args = own
	}
	return web
}

// split parts a command that begins with a sidecar, up to its "--", from the rest.
func split(args []string) (sidecar, own []string) {
	at := slices.Index(args, "--")
	if at < 2 || args[0] != "homing" || args[1] != "sidecar" {
		return nil, args
	}
	return args[:at+1], args[at+1:]
}

// behindSidecar says how a command runs on a machine, behind a sidecar if the app has
// one: that starts the command, on a port of its own, and fills in {port}.
func (a *app) behindSidecar(c command.Command, m dev.Machine) (supervise.Config, error) {
	words := a.sidecar()
	if words == nil {
		return a.process(c, m)
	}
	own, err := a.process(c, m)
	if err != nil {
		return own, err
	}
	if err := own.Find(); err != nil {
		return own, err // each sidecar would say it
	}
	p, err := a.place(m)
	if err != nil {
		return supervise.Config{}, err
	}
	values := maps.Clone(p.values)
	delete(values, "port")
	if len(c.Args) == 0 {
		c.Args = []string{"sh", "-c", c.Shell}
	}
	if m.Port == 0 {
		words = slices.Insert(words, len(words)-1, "--worker") // before "--"
	}
	c.Args = append(words, c.Args...)
	return a.processAt(p, c, m, values)
}
