package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"github.com/spf13/cobra"

	"homing"
	"homing/observe"
	"homing/sidecar"
	"homing/supervise"
)

// sidecarFlags are the flags as they were given.
type sidecarFlags struct {
	target, admin, health, relay string
	appPort                      uint16
	writes, reads, env           []string
	h2c, worker                  bool
	start, drain, grace          time.Duration
}

func sidecarCommand(out, errOut io.Writer) *cobra.Command {
	var f sidecarFlags
	cmd := &cobra.Command{
		Use:   "sidecar [flags] -- COMMAND…",
		Short: "Stand in front of an app in any language, and take its writes home",
		Long: `Starts the app and takes its requests, at PORT or 8080: serves them, lets them wait
or sends them home, as HOMING_* and FLY_* say (see "homing env"). The app gets a
PORT of its own, and of DATABASE_URL and its like the database of its region.
Signals reach it, and its exit code is the sidecar's. In a Dockerfile:
ENTRYPOINT ["homing", "sidecar", "--"]
All of its commands go through that then. One that opens no port, as a worker or a
task, gets its database and signals, and nothing listens for it.`,
		Example: `  homing sidecar -- bin/rails server -p {port}
  homing sidecar --env DB_HOST={host} --env DB_PORT={port} -- php artisan serve
  homing sidecar --target http://127.0.0.1:3000 --write-route "GET /logout"
  homing sidecar --worker --admin 127.0.0.1:7070 -- bundle exec sidekiq`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd.Context(), args, out, errOut)
		},
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().SetInterspersed(false) // what comes after the command's name is its own
	cmd.Flags().StringVar(&f.target, "target", "", "`URL` of an app that runs already, for COMMAND")
	cmd.Flags().StringArrayVar(&f.writes, "write-route", nil, "a `ROUTE` that writes on GET, as \"GET /logout\"")
	cmd.Flags().StringArrayVar(&f.reads, "read-route", nil, "a `ROUTE` that only reads, as \"POST /search\"")
	cmd.Flags().StringArrayVar(&f.env, "env", nil, "`VAR`=… for the app, with {url} of its database, or\n{host} {port} {user} {password} {database}")
	cmd.Flags().Uint16Var(&f.appPort, "app-port", 0, "`PORT` of the app (default any free, for {port})")
	cmd.Flags().StringVar(&f.relay, "relay", "auto", "`WHERE` Postgres' refusals are seen: auto, off,\nor an address, as 127.0.0.1:6432")
	cmd.Flags().StringVar(&f.admin, "admin", "", "`ADDR` for workers, as 127.0.0.1:7070: below\n/.well-known/homing are wait, token, health")
	cmd.Flags().StringVar(&f.health, "health", "", "a `PATH` where the sidecar tells its health")
	cmd.Flags().BoolVar(&f.h2c, "h2c", false, "the app speaks HTTP/2 without TLS, as gRPC does")
	cmd.Flags().BoolVar(&f.worker, "worker", false, "COMMAND takes no requests")
	cmd.Flags().DurationVar(&f.start, "start", sidecar.DefaultStart, "`TIME` after which the log asks for the app's port")
	cmd.Flags().DurationVar(&f.drain, "drain", sidecar.DefaultDrain, "`TIME` for requests to end after SIGTERM")
	cmd.Flags().DurationVar(&f.grace, "grace", supervise.DefaultGrace, "`TIME` for the app to end then")
	return cmd
}

// run stands in front of the app until one of them ends.
func (f sidecarFlags) run(ctx context.Context, args []string, out, errOut io.Writer) error {
	if err := f.check(args); err != nil {
		return err
	}
	// Fly runs a release_command behind the image's ENTRYPOINT, too.
	f.worker = f.worker || os.Getenv("RELEASE_COMMAND") != ""
	env, err := homing.FromEnv()
	if err != nil {
		return err
	}
	cfg := sidecar.Config{
		HealthPath: f.health, AdminAddr: f.admin, StartTimeout: f.start, Drain: f.drain, Logger: sidecarLogger(errOut),
	}
	if !f.worker {
		cfg.Addr = env.Addr()
	}
	db, err := f.openAppDatabase(ctx, env, cfg.Logger)
	if err != nil {
		return err
	}
	defer db.close()
	if cfg.Site, err = f.site(env, db, cfg.Logger); err != nil {
		return err
	}
	if err := f.app(&cfg, env, db); err != nil {
		return err
	}
	if len(args) > 0 {
		if cfg.Command, err = f.command(args, cfg, db, out, errOut); err != nil {
			return err
		}
	}
	exit, err := sidecar.Run(ctx, cfg)
	return ended(exit, err, errOut)
}

// check refuses flags that contradict each other.
func (f sidecarFlags) check(args []string) error {
	switch {
	case f.target == "" && len(args) == 0:
		return errors.New(`say what to stand in front of: "homing sidecar -- bin/rails server", or --target http://127.0.0.1:3000`)
	case f.target != "" && len(args) > 0:
		return errors.New("--target is an app that runs already, so there is no command; leave one of them out")
	case f.target != "" && (f.appPort != 0 || len(f.env) > 0 || f.worker):
		return errors.New("--app-port, --env and --worker are for an app that is started here, not for --target")
	case f.relay != "auto" && f.relay != "off" && !strings.Contains(f.relay, ":"):
		return fmt.Errorf("--relay %s: want auto, off, or where it listens, as 127.0.0.1:6432", f.relay)
	case f.start <= 0 || f.drain <= 0 || f.grace <= 0:
		return errors.New("--start, --drain and --grace must be more than 0")
	}
	return nil
}

func (f sidecarFlags) site(env homing.Env, db *appDatabase, log *slog.Logger) (*homing.Site, error) {
	return homing.New(homing.Config{
		Env: env, Database: db.view, WriteRoutes: f.writes, ReadRoutes: f.reads, SecondTryOwn: true, Logger: log,
		Names: flagNames,
	})
}

// flagNames are what the site's settings are called for who uses the sidecar.
var flagNames = observe.Names{
	WriteRoutes: "--write-route", ReadRoutes: "--read-route",
	Database: "the sidecar's relay (--relay, and PostgreSQL's DATABASE_URL)",
}

// app says where the app is.
func (f sidecarFlags) app(cfg *sidecar.Config, env homing.Env, db *appDatabase) error {
	cfg.App = sidecar.AppConfig{HTTP2: f.h2c, Edge: env.Edge, Witness: db.witness}
	if env.App != "" && env.ID != "" && !env.Edge && env.Keys.IsZero() {
		cfg.App.BodyLimit = 1_000_000 // what Fly's own proxy replays
	}
	if env.Mode == homing.Observe {
		cfg.App.Quiet = -1 // nothing is dropped then
	}
	var err error
	switch {
	case f.target != "":
		cfg.App.Addr, err = targetAddr(f.target)
	case f.worker:
		return nil
	case f.appPort != 0:
		cfg.App.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(int(f.appPort)))
	default:
		cfg.App.Addr = freeAddr()
	}
	if err != nil {
		return err
	}
	_, ours, _ := net.SplitHostPort(cfg.Addr)
	if host, port, _ := net.SplitHostPort(cfg.App.Addr); port == ours && isHere(host) {
		return fmt.Errorf("the app cannot listen on %s, which is the sidecar's own port; choose another for one of them, by PORT for the sidecar", port)
	}
	return nil
}

func isHere(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// targetAddr reads the URL of an app.
func targetAddr(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", errors.New("--target: want http://, a host and a port, as http://127.0.0.1:3000")
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("--target: port %s is not a number from 1 to 65535", port)
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// freeAddr returns a loopback address at whose port nobody listens, in IPv6 either. The
// port is below those from which systems draw the ports of outgoing connections, where
// somebody might get it until the app listens, and above those that "homing dev" gives to
// machines.
func freeAddr() string {
	for {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		if !listens(net.JoinHostPort("127.0.0.1", port)) && !listens(net.JoinHostPort("::1", port)) {
			return net.JoinHostPort("127.0.0.1", port)
		}
	}
}

// listens reports whether somebody does, without doing so itself: what is started at that
// moment would have the listener, too, until it became its program.
func listens(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err == nil {
		conn.Close()
	}
	return err == nil
}

// command is how the app is started.
func (f sidecarFlags) command(args []string, cfg sidecar.Config, db *appDatabase, out, errOut io.Writer) (*supervise.Config, error) {
	vars, err := db.expand(f.env)
	if err != nil {
		return nil, err
	}
	if f.admin != "" {
		vars = append(vars, "HOMING_ADMIN_URL=http://"+f.admin)
	}
	c := &supervise.Config{Grace: f.grace, Env: append(os.Environ(), append(db.env, vars...)...)}
	if !f.worker {
		_, port, _ := net.SplitHostPort(cfg.App.Addr)
		n, _ := strconv.ParseUint(port, 10, 16)
		c.Port = uint16(n)
		for i, a := range args {
			args[i] = supervise.Values{"port": port}.Expand(a)
		}
	}
	c.Args = args
	c.Output = func(l supervise.Line) {
		to := errOut
		if l.Stream == supervise.Stdout {
			to = out
		}
		end := "\n"
		if l.Cut {
			end = ""
		}
		_, _ = io.WriteString(to, l.Text+end) // where nobody reads it, the command ends by itself
	}
	return c, nil
}

// exitCode is the app's, which is ours. What there is to say of it was said.
type exitCode int

func (e exitCode) Error() string { return "exit code " + strconv.Itoa(int(e)) }

// ended says how the app ended, if nobody has asked it to, and with which code we do.
func ended(exit supervise.Exit, err error, errOut io.Writer) error {
	if err != nil {
		return err
	}
	if !exit.Asked && !exit.Started.IsZero() {
		fmt.Fprintln(errOut, "homing sidecar: the app ended:", exit)
	}
	if exit.Code != 0 {
		return exitCode(exit.Code)
	}
	return nil
}

// sidecarLogger logs what an operator of a server should know.
func sidecarLogger(w io.Writer) *slog.Logger {
	return slog.New(tint.NewHandler(w, &tint.Options{
		Level: slog.LevelInfo, TimeFormat: "15:04:05", NoColor: !isTerminal(w) || os.Getenv("NO_COLOR") != "",
	}))
}
