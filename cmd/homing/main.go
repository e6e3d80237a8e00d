// Command homing runs an app with one writable database in several regions.
//
//	homing dev        the app in this folder, in three regions on this machine
//	homing bench      what sending requests home saves, measured and drawn
//	homing demo       three regions on this machine, with real distances
//	homing sidecar    an app in any language, with its writes taken home
//	homing explain    what a fly-replay means, or what is wrong with it
//	homing env        what a process with this environment would use, and why
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	// A terminal that is closed and a pipe that nobody reads end a command as
	// Ctrl-C does, so that it can clean up.
	ctx, stop := signal.NotifyContext(context.Background(), endings(os.Args[1:])...)
	context.AfterFunc(ctx, stop)                            // a second Ctrl-C ends the process at once
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) // ignored, it would be so in the apps that are started, too
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	err := run(ctx, os.Args[1:], output{os.Stdout, leave}, output{os.Stderr, leave})
	if code := exitCode(0); errors.As(err, &code) {
		os.Exit(int(code))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// endings are the signals that end a command. A sidecar's app is sent SIGHUP instead,
// which means to many that they read their configuration again.
func endings(args []string) []os.Signal {
	if len(args) > 0 && args[0] == "sidecar" {
		return []os.Signal{os.Interrupt, syscall.SIGTERM}
	}
	return []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}
}

// output ends the command when nobody reads it any more. The signal for that cannot
// be used: it comes for each connection that a client has left, too.
type output struct {
	*os.File
	leave context.CancelFunc
}

func (o output) Write(p []byte) (int, error) {
	n, err := o.File.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		o.leave()
	}
	return n, err
}

// run carries out one command line. It returns when ctx ends, at the latest. Its error
// is a line that begins with the command's name, or an exitCode.
func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	root := &cobra.Command{
		Use:           "homing",
		Short:         "Make one Postgres feel local on every continent.",
		Long:          "Make one Postgres feel local on every continent.\n\nSends the request to your primary, not its queries. Nobody sees a page older\nthan their own write.",
		SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		root.Version = info.Main.Version
	}
	cobra.AddTemplateFunc("flags", func(f interface{ FlagUsagesWrapped(int) string }) string { return f.FlagUsagesWrapped(80) })
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".LocalFlags.FlagUsages", "flags .LocalFlags"))
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	root.AddCommand(devCommand(out, errOut))
	root.AddCommand(demoCommand(out, errOut))
	root.AddCommand(benchCommand(out, errOut))
	root.AddCommand(sidecarCommand(out, errOut))
	root.AddCommand(explainCommand(out, errOut))
	root.AddCommand(envCommand(out))
	cmd, err := root.ExecuteContextC(ctx)
	if code := exitCode(0); err == nil || errors.As(err, &code) {
		return err
	}
	return fmt.Errorf("%s: %w", cmd.CommandPath(), oneLine(err))
}

// isTerminal reports whether w is a terminal, where lines can be written over
// and colours are seen.
func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Stat() (os.FileInfo, error) })
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
}
