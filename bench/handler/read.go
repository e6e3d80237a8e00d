package main

import (
	"fmt"
	"io"
	"strings"

	"golang.org/x/perf/benchfmt"
)

// read takes down what the benchmarks of a package have printed. Units are theirs.
func read(from io.Reader, pkg string, into round) error {
	lines := benchfmt.NewReader(from, pkg)
	for lines.Scan() {
		switch rec := lines.Result().(type) {
		case *benchfmt.Result:
			into[key{pkg, name(rec.Name)}] = values(rec)
		case *benchfmt.SyntaxError:
			return fmt.Errorf("benchmarks of %s: %w", pkg, rec)
		}
	}
	return lines.Err()
}

// name is a benchmark's without the number of cores at its end.
func name(n benchfmt.Name) string {
	_, parts := n.Parts()
	full := n.String()
	if len(parts) > 0 {
		if last := string(parts[len(parts)-1]); strings.HasPrefix(last, "-") {
			full = strings.TrimSuffix(full, last)
		}
	}
	return full
}

func values(rec *benchfmt.Result) map[string]float64 {
	all := map[string]float64{}
	for _, v := range rec.Values {
		if v.OrigUnit != "" { // the reader makes seconds of nanoseconds
			v.Value, v.Unit = v.OrigValue, v.OrigUnit
		}
		all[v.Unit] = v.Value
	}
	return all
}
