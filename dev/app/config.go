package app

import (
	"io"
	"log/slog"
	"time"

	"homing/dev"
	"homing/dev/command"
	"homing/dev/keys"
	"homing/fleet"
	"homing/flytoml"
	"homing/region"
)

// Config says what runs, and where.
type Config struct {
	// Dir is the app's folder, in which its processes run.
	Dir string
	// File is its fly.toml. nil: it has none.
	File *flytoml.File
	// Found is what to start. Without Web there are only the machines of Outside.
	Found command.Found
	// Variables are those of the app's .env file, and then those of the shell, as
	// "NAME=value": the later one of a name counts. What fly.toml says in [env] comes
	// before them, what a machine is told after them.
	Variables []string

	Regions   []region.Code
	Primary   region.Code
	Machines  map[region.Code]int // how many a region has; one, if it is not in here
	Outside   []dev.Outside
	Engine    dev.Engine
	Distances fleet.Distances
	// Port is the page's; the edges have those that follow. 0: any free ones.
	Port int
	// Homing is this program's file, for commands that begin with "homing", as an image's
	// entrypoint may. Sidecar has "homing sidecar" stand around each copy of the app.
	Homing  string
	Sidecar bool
	// NoRelease leaves out the release command.
	NoRelease bool
	// Patience is how long the app may take to listen. 0: a minute.
	Patience time.Duration

	// Keys is the terminal whose keys steer what runs. nil: none.
	Keys *keys.Terminal
	// Out gets what the user is told, and what the app says, line by line; Colour says
	// that it shows colours.
	Out    io.Writer
	Colour bool
	// Logger gets what the regions say while they run.
	Logger *slog.Logger
}

// file is the app's fly.toml, or an empty one.
func (c Config) file() *flytoml.File {
	if c.File != nil {
		return c.File
	}
	return &flytoml.File{}
}
