// Package supervise keeps an app's process running: it starts it, sees when it
// listens, hands on what it says line by line, starts it again when it has ended, with
// growing pauses, and stops it with all that it has started itself.
//
//	p, err := supervise.New(supervise.Config{
//		Shell: "bin/rails server -p 8081", Port: 8081,
//		Output: func(l supervise.Line) { fmt.Println(l.Text) },
//	})
//	…
//	go p.Run(ctx)     // until ctx ends
//	err = p.Up(ctx)   // nil when something accepts connections on the port
//
// A program that is the parent of an app in a container uses [Process.RunOnce], ends with
// [Exit.Code], hands on signals by [Process.Pass], and as PID 1 runs [Reap] beside.
//
// # What ends with it
//
// A process runs in a group of its own, and so does what it starts, unless that leaves
// the group. At the end the process alone is told, by a signal, as a container's first
// process is: many tell their children themselves, and a second signal means to some
// "at once". When it has ended, what is left gets the signal, and after a grace period
// SIGKILL. On Linux so does what has left the group, if its parents up to the process
// were still there when the end began. What has left both, as a daemon does, lives on.
//
// If the program that uses this package is killed itself, a keeper ends the group: a
// shell that leads it, ignores signals, and waits on a pipe for the program's end. On
// Linux the kernel also kills the process then, though not what that has started, so
// that little is left even where there is no shell. PID 1 needs no keeper, as
// all processes of a container end with it.
//
// On systems other than Unix only the process itself is ended.
package supervise
