// Command edged is Homing's edge with everything on that it has on a host, in front
// of two machines, for package peers to measure.
//
//	edged --near 127.0.0.1:4001 --home 127.0.0.1:4002
//
// It prints two addresses: the edge's, and one that tells at /stats what the process
// has allocated and holds, and at /debug/pprof/ where. It ends with SIGTERM.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"homing/edge"
	"homing/fleet"
	"homing/forward"
	"homing/health"
	"homing/journey"
	"homing/metrics"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "edged:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("edged", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	near := flags.String("near", "", "address of the machine in ams, where the edge is")
	home := flags.String("home", "", "address of the machine in ord")
	level := slog.LevelWarn
	flags.TextVar(&level, "log", level, "what is logged: debug, info, warn or error")
	if err := flags.Parse(args); err != nil {
		return err
	}
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	side, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		front.Close()
		return err
	}
	fmt.Fprintln(out, front.Addr(), side.Addr())
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	return serve(ctx, front, side, machines(*near, *home), logger)
}

func machines(near, home string) *fleet.Fleet {
	limits := fleet.Limits{Hard: 10_000}
	return fleet.New(nil,
		fleet.Machine{ID: "near", App: "bench", Region: "ams", Addr: near, Healthy: true, Limits: limits},
		fleet.Machine{ID: "home", App: "bench", Region: "ord", Addr: home, Healthy: true, Limits: limits})
}

// serve serves until ctx ends.
func serve(ctx context.Context, front, side net.Listener, f *fleet.Fleet, logger *slog.Logger) error {
	counted, journeys := metrics.New(metrics.Config{Codes: edge.Codes()}), journey.NewLog(200)
	e, err := edge.New(edge.Config{
		Region: "ams", App: "bench", Fleet: f, Logger: logger, NoTLS: true,
		Record: func(r *journey.Record) {
			counted.Record(r)
			journeys.Add(r)
		},
		// As many as the others keep; the machines here never close first.
		Machines: forward.Config{MaxIdle: 512},
	})
	if err != nil {
		return err
	}
	defer e.Close()
	server, stats := e.Server(), &http.Server{Handler: sideDoor(counted)}
	var going sync.WaitGroup
	defer going.Wait()
	watching, end := context.WithCancel(ctx)
	defer end()
	going.Go(func() { health.Watch(watching, health.Config{Fleet: f, Logger: logger}) })
	going.Go(func() { _ = stats.Serve(side) })
	going.Go(func() {
		<-watching.Done()
		server.Close()
		stats.Close()
	})
	if err := server.Serve(front); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
