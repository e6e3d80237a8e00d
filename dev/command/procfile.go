package command

import (
	"fmt"
	"strings"
)

const procfileName = "Procfile.dev"

// procfile reads Procfile.dev: lines of "name: command". What takes requests is called
// web, or else is the first.
func (f finder) procfile() (Found, error) {
	text, ok, err := f.read(procfileName)
	if !ok {
		return Found{}, err
	}
	var all []Named
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, shell, ok := strings.Cut(line, ":")
		name, shell = strings.TrimSpace(name), strings.TrimSpace(shell)
		if !ok || name == "" || shell == "" {
			return Found{}, fmt.Errorf(`%s:%d: want a name and a command, as in "web: node server.js"`, procfileName, n)
		}
		all = append(all, Named{name, Command{Shell: shell, From: procfileName}})
	}
	if len(all) == 0 {
		return Found{}, nil
	}
	web := 0
	for i, c := range all {
		if c.Name == "web" {
			web = i
		}
	}
	found := Found{Web: all[web].Command}
	found.Others = append(append(found.Others, all[:web]...), all[web+1:]...)
	return found, nil
}
