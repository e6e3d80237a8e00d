package command

import (
	"cmp"
	"encoding/json"
	"path"
	"strings"
)

// dockerfile takes what an image runs: ENTRYPOINT with CMD. Programs in the image's own
// folder are looked for in this one.
func (f finder) dockerfile() (Found, error) {
	name, i, err := f.image()
	if err != nil {
		return Found{}, err
	}
	c := i.command()
	if len(c.Args) == 0 && c.Shell == "" {
		return Found{}, nil
	}
	c.From = name + "'s CMD"
	return Found{Web: c}, nil
}

// image reads the Dockerfile; it may be missing.
func (f finder) image() (name string, i image, err error) {
	name = "Dockerfile"
	if f.toml != nil {
		name = path.Clean(cmp.Or(f.toml.Build.Dockerfile, name))
	}
	text, ok, err := f.read(name)
	if ok {
		i = readDockerfile(text)
	}
	return name, i, err
}

// sidecar is the image's ENTRYPOINT, if it is "homing sidecar …": that stands before the
// commands of [processes], too. Others that an image has, such as tini, are for images.
func (f finder) sidecar() ([]string, error) {
	_, i, err := f.image()
	if args := i.entrypoint.Args; len(args) > 1 && args[0] == "homing" && args[1] == "sidecar" {
		return args, err
	}
	return nil, err
}

// image is what a stage of a Dockerfile runs.
type image struct {
	entrypoint, cmd Command
	folder          string // WORKDIR
}

func readDockerfile(text string) image {
	var now image
	stages, name := map[string]image{}, ""
	for _, line := range instructions(text) {
		word, rest, _ := strings.Cut(line, " ")
		rest = strings.TrimSpace(rest)
		switch strings.ToUpper(word) {
		case "FROM":
			if name != "" {
				stages[name] = now
			}
			var base string
			base, name = stage(rest)
			now = stages[base] // of another image nothing is known
		case "WORKDIR":
			if !path.IsAbs(rest) {
				rest = path.Join(now.folder, rest)
			}
			now.folder = path.Clean(rest)
		case "ENTRYPOINT":
			now.entrypoint, now.cmd = parseExec(rest), Command{}
		case "CMD":
			now.cmd = parseExec(rest)
		}
	}
	return now
}

// stage reads what follows FROM: an image or an earlier stage, and this one's name.
func stage(rest string) (base, name string) {
	words := strings.Fields(rest)
	for len(words) > 0 && strings.HasPrefix(words[0], "--") {
		words = words[1:]
	}
	if len(words) > 0 {
		base = strings.ToLower(words[0])
	}
	if len(words) > 2 && strings.EqualFold(words[1], "as") {
		name = strings.ToLower(words[2])
	}
	return base, name
}

// instructions are a Dockerfile's lines without comments, those that a backslash
// continues joined.
func instructions(text string) []string {
	var all []string
	open := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		before, goesOn := strings.CutSuffix(line, `\`)
		open += before
		if !goesOn {
			all, open = append(all, open), ""
		}
	}
	return append(all, open)
}

// parseExec reads the list of an exec form, or the text of a shell form.
func parseExec(text string) Command {
	var args []string
	if json.Unmarshal([]byte(text), &args) == nil {
		return Command{Args: args}
	}
	return Command{Shell: text}
}

// command is what the image runs, as Docker puts both together.
func (i image) command() Command {
	c := i.cmd
	switch {
	case i.entrypoint.Shell != "":
		return i.entrypoint // it ignores CMD
	case len(i.entrypoint.Args) > 0 && c.Shell != "":
		c = Command{Args: append(append([]string{}, i.entrypoint.Args...), "sh", "-c", c.Shell)}
	case len(i.entrypoint.Args) > 0:
		c = Command{Args: append(append([]string{}, i.entrypoint.Args...), c.Args...)}
	}
	if i.folder == "" || i.folder == "/" {
		return c
	}
	for n, arg := range c.Args {
		if inside, ok := strings.CutPrefix(arg, i.folder+"/"); ok {
			c.Args[n] = "./" + inside
		}
	}
	return c
}
