// Package keys steers a running world by single keys in the terminal where it runs: "s",
// then "2", stops a machine.
//
// The terminal stays what it is for the log: only lines and echo are switched off for
// what is typed, so that Ctrl-C and Ctrl-Z mean what they always do. It is given back
// whenever this program leaves it: at the end, while it is stopped, and in a signal's
// dump of stacks. In the background nothing is read and nothing set, which would stop
// the program; whoever brings it to the foreground has the keys.
//
// What is typed is looked at now and then instead of waited for. A read that waits could
// not be ended, and would go on after Ctrl-Z and "bg", where it stops the program.
package keys
