// Command full measures the claim as it stands in bench/results: with 1 to 20 queries a
// request. It takes some minutes, and is run in the repository's root folder by
//
//	make bench-claim
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"

	"homing/bench/claim"
	"homing/region"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench-claim:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	flags := flag.NewFlagSet("full", flag.ContinueOnError)
	rounds := flags.Int("rounds", 20, "how often everything is done")
	most := flags.Int("queries", 20, "the most queries a request")
	dir := flags.String("results", "bench/results", "the folder for what is found")
	if err := flags.Parse(args); err != nil {
		return err
	}
	cfg := claim.Config{
		Regions: []region.Code{"ord", "gru", "ams"}, Primary: "ord", Rounds: *rounds,
		Logger: slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for k := range *most {
		cfg.Queries = append(cfg.Queries, k+1)
	}
	fmt.Fprintf(errOut, "This takes about %v.\n", cfg.Estimate().Round(1e9))
	shown := 0
	cfg.Progress = func(part float64) {
		if percent := int(part * 100); percent >= shown+10 {
			shown = percent - percent%10
			fmt.Fprintf(errOut, "%d %%\n", shown)
		}
	}
	report, err := claim.Run(ctx, cfg)
	if err != nil {
		return err
	}
	res := report.Result()
	res.Commands = []string{"make bench-claim"}
	if err := report.Print(out); err != nil {
		return err
	}
	return res.Write(*dir)
}
