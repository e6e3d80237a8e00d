package journey

import (
	"fmt"
	"strings"
)

// Line is a request in a line for a terminal, by this computer's clock: when it came,
// how long it took, what it was told, where it went and why. What clients have sent is
// quoted.
func (r *Record) Line() string {
	var way, why []string
	for _, h := range r.Hops {
		way = append(way, string(h.Region))
		for _, words := range []string{h.Decision.Reason.Words(), h.Problem} {
			if words != "" {
				why = append(why, string(h.Region)+": "+words)
			}
		}
	}
	line := fmt.Sprintf("%s  %8.1f ms  %3d %-5s %s %q  %s", r.Start.Local().Format("15:04:05.000"),
		float64(r.Duration.Microseconds())/1000, r.Status, r.Code, method(r.Method), r.Path, strings.Join(way, " → "))
	if len(why) > 0 {
		line += fmt.Sprintf("  (%s)", strings.Join(why, "; "))
	}
	return line
}

// method quotes what is none of those that everybody uses.
func method(m string) string {
	if strings.Trim(m, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return fmt.Sprintf("%q", m)
	}
	return m
}
