package flytoml

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"homing/machine"
)

// maxSize is how many bytes of a file are read. Those that people write have a
// hundredth of it.
const maxSize = 1 << 20

// Read reads a fly.toml, which errors call name. What is wrong with its contents
// is an [*Error], or several joined, in the order of the file; then there is no
// File. A file has 1 MiB at most.
func Read(r io.Reader, name string) (*File, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(data) > maxSize {
		return nil, fmt.Errorf("%s: it has more than 1 MiB: is it a fly.toml?", name)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff")) // some editors on Windows begin with it
	var all map[string]any
	if err := toml.Unmarshal(data, &all); err != nil {
		return nil, syntaxError(name, data, err)
	}
	notes := &notes{}
	f := file(setting{node: parse(data), notes: notes})
	if len(notes.problems) > 0 {
		return nil, report(name, data, notes.problems)
	}
	return f, nil
}

// file reads the whole: groups first, since others name them.
func file(root setting) *File {
	experimental, deploy := root.section("experimental"), root.section("deploy")
	f := &File{
		App:           app(root.get("app")),
		Env:           env(root.get("env")),
		Processes:     processes(root.get("processes")),
		PrimaryRegion: primaryRegion(root),
		Start: Start{
			Command:    experimental.get("cmd").words(),
			Entrypoint: experimental.get("entrypoint").words(),
			Exec:       experimental.get("exec").words(),
		},
		Deploy: Deploy{
			Release:        command(deploy.get("release_command")),
			ReleaseTimeout: cmp.Or(deploy.get("release_command_timeout").duration(time.Second), defaultReleaseTimeout),
		},
		Build:       Build{Dockerfile: root.section("build").get("dockerfile").text()},
		KillSignal:  killSignal(root.get("kill_signal")),
		KillTimeout: killTimeout(root, experimental),
	}
	f.Services = services(root, f)
	f.Checks = topChecks(root.get("checks"), f)
	f.Mounts = append(mounts(root.get("mount"), f), mounts(root.get("mounts"), f)...)
	return f
}

// app reads the app's name. Files that are to be used for several have none.
func app(s setting) machine.App {
	name := s.text()
	if name == "" {
		return ""
	}
	app, err := machine.ParseApp(name)
	if err != nil {
		s.wrong("%v", err)
	}
	return app
}

// killTimeout reads kill_timeout, which once was an experiment.
func killTimeout(root, experimental setting) time.Duration {
	s := root.get("kill_timeout")
	if s.missing() {
		s = experimental.get("kill_timeout")
	}
	return cmp.Or(s.duration(time.Second), defaultKillTimeout)
}

// signals are those that end or stop a process, by name.
const signals = " SIGABRT SIGALRM SIGCONT SIGHUP SIGINT SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTERM SIGUSR1 SIGUSR2 SIGWINCH "

func killSignal(s setting) string {
	name := s.text()
	if name == "" {
		return defaultKillSignal
	}
	if !strings.Contains(signals, " "+name+" ") {
		s.wrong(`want a signal such as "SIGTERM", not %s`, s.shown())
	}
	return name
}

func mounts(s setting, f *File) []Mount {
	var all []Mount
	for _, m := range s.tables() {
		all = append(all, Mount{
			Source:      m.get("source").text(),
			Destination: m.get("destination").text(),
			Groups:      groups(m.get("processes"), f),
		})
	}
	return all
}
