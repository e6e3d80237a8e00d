package claim

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"homing/region"
)

// upper is a sentence's beginning.
func upper(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}

// Summary says in a few sentences what was found, for those who read nothing else.
func (r *Report) Summary() string {
	from := r.cfg.far()[0]
	most, least := r.cfg.Queries[len(r.cfg.Queries)-1], r.cfg.Queries[0]
	said := []string{fmt.Sprintf("From %s, %s, a write of %s takes %.0f ms if each query crosses the distance, and %.0f ms if the request does.",
		name(from), r.distance(from), queries(most), r.median(from, Write, Remote, most), r.median(from, Write, Replay, most))}
	if least == 1 {
		said = append(said, fmt.Sprintf("With a single query there is nothing to gain: %.0f ms and %.0f ms.", r.median(from, Write, Remote, 1), r.median(from, Write, Replay, 1)))
	}
	missing, of := r.missing(Split)
	ours, _ := r.missing(Replay)
	said = append(said,
		fmt.Sprintf("As fast are queries that need no answer of each other and are sent as one batch (%.0f ms), and an app in one region, whose reads cross, too (%.0f ms).",
			r.median(from, Write, Batch, most), r.median(from, Read, Single, most)),
		fmt.Sprintf("Right after a write, a replica that nobody waits for does not show it to its writer %d times of %d; with Homing %d times, and the read takes %s.",
			missing, of, ours, r.span(from, Own, Replay)))
	return strings.Join(said, " ")
}

// missing counts own writes that were not seen from any far region.
func (r *Report) missing(s Strategy) (missing, of int) {
	for _, from := range r.cfg.far() {
		m, n := r.Missing(from, s)
		missing, of = missing+m, of+n
	}
	return missing, of
}

// span is between which medians something lies.
func (r *Report) span(from region.Code, w What, s Strategy) string {
	var low, high float64
	for i, k := range r.cfg.Queries {
		m := r.median(from, w, s, k)
		if i == 0 {
			low = m
		}
		low, high = min(low, m), max(high, m)
	}
	if a, b := fmt.Sprintf("%.0f", low), fmt.Sprintf("%.0f", high); a != b {
		return a + " to " + b + " ms"
	}
	return fmt.Sprintf("%.0f ms", high)
}

func queries(k int) string {
	if k == 1 {
		return "1 query"
	}
	return fmt.Sprintf("%d queries", k)
}

// Notes are what a reader must know to believe the figures.
func (r *Report) Notes() []string {
	return []string{
		"Nothing is computed: users of each region ask the edge beside them, and a time is from before the request to its answer's last byte.",
		"Distances are emulated at connection level: what is sent on a connection that crosses arrives half a round trip later, in order. " +
			"No packet is lost, nothing limits the bandwidth, and there is no slow start. (bench/wan emulates packets.)",
		"All connections are open and all statements prepared before anything is measured. pgxpool would ask a connection that was idle for a second whether it is alive, " +
			"which costs a round trip where it crosses; that is switched off.",
		"A write of one query is one statement. One of k queries is a transaction of k + 2, since BEGIN and COMMIT have answers, too. " +
			"A framework that puts a transaction around a single statement pays three round trips for it.",
		"One batch sends all queries of a request at once (pgx.Batch). It takes an app whose queries do not need each other's answers.",
		fmt.Sprintf("Homing is package homing behind our edge, with its defaults: own writes are waited for on the replica, for at most a round trip. "+
			"Its time window is the consistency \"window\": nobody waits, and for %.0f s after a write its client reads at the primary.", r.cfg.Window.Seconds()),
		"In one region there is no app near the users; their connections to it are open, too.",
		"Whoever reads right after their write does so at once. The change is on its way to the replica while the answer is on its way to the writer, so here they arrive at about the same time. (What a replica says back takes no time here, and nothing waits for it.) " +
			"A replica that has more to do is further behind: without a wait more own writes are missing, and with one it takes longer.",
		"Other work on the machine delays each answer by a little, and so what waits for many answers the most.",
		fmt.Sprintf("%d rounds. Up to %d users of a region at the same time, each with a number of queries of their own; each goes through the strategies in turn, and begins each round with another.",
			r.cfg.Rounds, r.cfg.Users),
	}
}

// Limits are where sending the request home does not win, by what was measured.
func (r *Report) Limits() []string {
	from := r.cfg.far()[0]
	least, most := r.cfg.Queries[0], r.cfg.Queries[len(r.cfg.Queries)-1]
	var said []string
	if least == 1 {
		said = append(said, fmt.Sprintf("A write of a single query takes one round trip either way: %.0f ms and %.0f ms.", r.median(from, Write, Remote, 1), r.median(from, Write, Replay, 1)))
	}
	said = append(said,
		fmt.Sprintf("It is never less than the way there and back: a write of %s takes %.0f ms from %s, of which a user in %s pays next to nothing.",
			queries(most), r.median(from, Write, Replay, most), from.City(), r.cfg.Primary.City()),
		fmt.Sprintf("Where users write and hardly read, one region is as good: there a write of %s takes %.0f ms, and a read %.0f ms.",
			queries(most), r.median(from, Write, Single, most), r.median(from, Read, Single, most)),
		fmt.Sprintf("An app that can send all its queries as one batch is as fast without: %.0f ms.", r.median(from, Write, Batch, most)),
		fmt.Sprintf("Reads are as fast on any replica. What a reader of their own write pays is the wait for the replica: %s here, where it is hardly behind; "+
			"a round trip at most where it is far behind, since they then read at the primary.", r.span(from, Own, Replay)))
	return said
}
