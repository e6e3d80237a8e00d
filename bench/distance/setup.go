package main

import (
	"time"

	"homing/bench/wan"
)

// setup is one way to set up an edge and the server that it runs on.
type setup struct {
	name string
	says string // what it takes, for a reader of the result
	// kept says that the edge keeps connections to machines open through the pause.
	kept bool
	// beats says that something small is sent through the pause, so often that TCP sees
	// none.
	beats bool
	wan   wan.Config // but for its sites
}

// setups are compared, the one without any setting first.
func setups() []setup {
	return []setup{
		{name: "as it is", says: "the edge closes a connection to a machine after 4 s, and opens another one"},
		{name: "kept open", says: "the edge keeps connections through the pause", kept: true},
		{name: "kept warm", says: "kept open, and 4 bytes are written each round trip and 50 ms, which is less than the time after which TCP forgets", kept: true, beats: true},
		{name: "no restart", says: "kept open, with net.ipv4.tcp_slow_start_after_idle=0 on the edge's server", kept: true,
			wan: wan.Config{Sysctl: map[string]string{"net.ipv4.tcp_slow_start_after_idle": "0"}}},
		{name: "window 50", says: "kept open, with initcwnd 50 on the route", kept: true, wan: wan.Config{InitialWindow: 50}},
		{name: "bbr", says: "kept open, with net.ipv4.tcp_congestion_control=bbr", kept: true, wan: wan.Config{Congestion: "bbr"}},
	}
}

// keep is how long the edge keeps its connections open.
func (s setup) keep(pause time.Duration) time.Duration {
	if s.kept {
		return pause + time.Hour
	}
	return 0 // its default
}
