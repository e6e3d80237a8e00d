// Package app is "homing dev": an app in any language, in several regions on this
// machine, from its fly.toml and without touching its code.
//
// Each machine is a process with the environment that it would have on Fly, on a port
// of its own, behind its region's edge. Package dev runs them; here is what makes an
// app of a folder: its variables, its release command and workers, its log, the page,
// and what the terminal is told.
package app
