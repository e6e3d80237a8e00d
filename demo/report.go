package demo

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"homing/dev"
)

// printReport prints what was measured. It is a terminal's text: nothing can be
// done about an error of writing it.
func printReport(w io.Writer, cfg Config, world *dev.World, f findings) {
	fmt.Fprintln(w, "Homing: make one Postgres feel local on every continent.")
	fmt.Fprintln(w)
	fmt.Fprintf(w, "  %s %10s %10s   %s\n", pad("region", 20), "distance", "lag", "guestbook")
	for _, s := range world.Statuses() {
		distance, lag := "primary", "-"
		if s.Region != cfg.Primary {
			distance, lag = milliseconds(s.Distance), milliseconds(f.lag[s.Region])
		}
		fmt.Fprintf(w, "  %s %10s %10s   %s\n", pad(string(s.Region)+" "+s.Region.City(), 20), distance, lag, s.EdgeURL())
	}
	fmt.Fprintln(w)
	if f.from == "" {
		return
	}
	home := "all in " + string(cfg.Primary)
	fmt.Fprintf(w, "  %s %14s %14s\n", pad("as seen from "+string(f.from), 28), home, "with Homing")
	fmt.Fprintf(w, "  %s %14s %14s\n", pad("read the page", 28), milliseconds(f.readHome), milliseconds(f.readHoming))
	fmt.Fprintf(w, "  %s %14s %14s\n\n", pad("write an entry", 28), milliseconds(f.writeHome), milliseconds(f.writeHoming))
	fmt.Fprintf(w, "  %s %14s %14s\n", pad("", 28), "bare replica", "with Homing")
	fmt.Fprintf(w, "  %s %14d %14d\n\n", pad(fmt.Sprintf("own writes missing (of %d)", ownWrites), 28), f.missedBare, f.missed)
	fmt.Fprintf(w, "  All measured just now on this machine, times as medians of %d. Distance is\n"+
		"  the round trip to %s, put on every connection that crosses; lag is from a\n"+
		"  commit there until it can be read here.\n\n", rounds, cfg.Primary)
}

// printTry prints lines that can be pasted.
func printTry(w io.Writer, cfg Config, world *dev.World, port int) {
	far := cfg.Primary
	for _, r := range cfg.Regions {
		if r != cfg.Primary {
			far = r
			break
		}
	}
	edge := "http://" + world.EdgeAddr(far)
	page := fmt.Sprintf("http://127.0.0.1:%d", port)
	fmt.Fprintf(w, "See what happens:  %s\n\nTry, in another terminal:\n", page)
	fmt.Fprintf(w, "  # read: answered in %s\n  curl -s %s/entries\n", far, edge)
	fmt.Fprintf(w, "  # write: runs in %s\n  curl -si %s/entries -d text=Hello\n", cfg.Primary, edge)
	if far != cfg.Primary {
		fmt.Fprintf(w, "  # a GET that writes: tried in %s, then sent to %s\n  curl -s %s/visits\n", far, cfg.Primary, edge)
		fmt.Fprintf(w, "  # hold back replication to %s: whoever writes there still sees it\n", far)
		fmt.Fprintf(w, "  curl -X POST %s/regions/%s/hold\n", page, far)
		fmt.Fprintf(w, "  curl -sLb '' %s/entries -d text=Mine | grep Mine\n", edge)
		fmt.Fprintf(w, "  curl -X POST %s/regions/%s/release\n", page, far)
	}
	if far != cfg.Primary && world.CanPromote() {
		fmt.Fprintf(w, "  # move the primary to %s: writes wait meanwhile, and none is lost\n", far)
		fmt.Fprintf(w, "  curl -X POST %s/regions/%s/promote\n", page, far)
	}
	fmt.Fprintf(w, "\n%sCtrl-C ends it.\n", cfg.Keys.Hint())
}

// pad fills s up to n characters; São Paulo has fewer of them than bytes.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
